"""The resolved network: every node, interface and address, fixed by the topology file alone.

Resolution makes these values once; every floor above reads them and none changes them. What
happens to a running lab (a dead node, a cut link, another cost) is kept apart, in
:class:`anycastlab.routing.state.NetworkState`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from types import MappingProxyType
from typing import Any, Literal

from anycastlab.topology.neighbour import Neighbour

EXABGP = "exabgp"
"""How a member is announced that runs ExaBGP in the place of the lab's daemon."""
Service = Literal["tcp", "http", "udp", "exec"]
Role = Literal["router", "client", "server"]
Family = Literal[4, 6]
Address = IPv4Address | IPv6Address
Mode = Literal["shared-unicast", "rfc2373"]
"""How a group's members hold an IPv6 address, see :class:`Group`."""


def no_options() -> Mapping[str, Any]:
    """An empty read-only mapping."""
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Interface:
    """One end of a link, or one port on a LAN.

    ``name`` is at most 15 bytes and unique in its node; ``index`` is unique in the lab (so the two
    ends of a link never share one: the kernel reports a lost carrier late when they do).
    """

    node: str
    name: str
    index: int
    segment: str
    ipv4: IPv4Interface
    ipv6: IPv6Interface

    @property
    def mac(self) -> bytes:
        """Six bytes, locally administered, made of the index."""
        return b"\x02\x00" + self.index.to_bytes(4, "big")

    @property
    def link_local(self) -> bytes:
        """The link-local address, packed, that the kernel makes of the MAC (RFC 4291, app. A)."""
        mac = self.mac
        return b"\xfe\x80" + bytes(6) + bytes((mac[0] ^ 2,)) + mac[1:3] + b"\xff\xfe" + mac[3:]


@dataclass(frozen=True, slots=True)
class Impairment:
    """What a link does to packets each way: seconds, seconds, a share 0..1, bits per second.

    ``duplicate`` and ``reorder`` are shares too: of packets that arrive twice, and of those that
    are not delayed.
    """

    delay: float = 0.0
    jitter: float = 0.0
    loss: float = 0.0
    rate: int | None = None
    duplicate: float = 0.0
    reorder: float = 0.0

    def __bool__(self) -> bool:
        return self != Impairment()


@dataclass(frozen=True, slots=True)
class Link:
    """A point-to-point link; ``cost`` counts from ``a`` to ``b``, ``cost_back`` the other way.

    ``impairment`` is None when the file says nothing of it; then the link may be of a kind that
    cannot be impaired later.
    """

    name: str
    a: Interface
    b: Interface
    cost: int = 1
    cost_back: int = 1
    impairment: Impairment | None = None
    mtu: int = 1500


@dataclass(frozen=True, slots=True)
class Lan:
    """A shared segment: a bridge in a namespace of its own; ``cost`` is paid to enter it."""

    name: str
    ports: tuple[Interface, ...]
    ipv4: IPv4Network
    ipv6: IPv6Network
    cost: int = 1


@dataclass(frozen=True, slots=True)
class Component:
    """One entry of a node's ``run:``: the component's name and its options as written."""

    name: str
    options: Mapping[str, Any] = field(default_factory=no_options)


@dataclass(frozen=True, slots=True)
class Node:
    """A router, a client or a server: its loopback addresses, its interfaces in file order.

    ``sysctls``: its own kernel settings, named below /proc/sys/net.
    """

    name: str
    role: Role
    ipv4: IPv4Address
    ipv6: IPv6Address
    interfaces: tuple[Interface, ...] = ()
    run: tuple[Component, ...] = ()
    sysctls: Mapping[str, str] = field(default_factory=no_options)

    @property
    def forwards(self) -> bool:
        """Only routers forward."""
        return self.role == "router"


@dataclass(frozen=True, slots=True)
class Check:
    """What a member's service must answer for the member to be announced; times in seconds.

    ``command`` is only there for ``exec``, which has no ``port``; see the file format.
    """

    service: Service
    port: int = 0
    path: str = "/"
    command: tuple[str, ...] = ()
    address: Literal["own", "service"] = "own"
    interval: float = 1.0
    fall: int = 3
    rise: int = 2
    hold_down: float = 2.0
    fail_open: bool = True

    @property
    def patience(self) -> float:
        """Seconds in which a check must be answered."""
        return min(self.interval, 1.0)


@dataclass(frozen=True, slots=True)
class Member:
    """A node that holds a group's service addresses; ``announce``: how the network learns it.

    ``check``: what its service must answer for it to be announced.
    """

    node: str
    announce: str = "static"
    options: Mapping[str, Any] = field(default_factory=no_options)
    check: Check | None = None

    @property
    def tied(self) -> bool:
        """Whether the lab looks after its service: ExaBGP does so by itself."""
        return self.check is not None and self.announce != EXABGP


@dataclass(frozen=True, slots=True)
class Group:
    """An anycast group: its service addresses (one of each family, as a rule), its members.

    Those in ``formal`` are of mode rfc2373: the members' kernels hold them as anycast, answer from
    another address and take no TCP. ``on_link`` names the LAN for addresses that are of a LAN's
    own prefix: no host route leads to them, members answer for them by ARP or ND.
    """

    name: str
    addresses: tuple[Address, ...]
    members: tuple[Member, ...]
    formal: frozenset[Address] = frozenset()
    on_link: Mapping[Address, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def instances(self) -> tuple[str, ...]:
        """The names of the member nodes, in file order."""
        return tuple(member.node for member in self.members)

    @property
    def given_up(self) -> tuple[Address, ...]:
        """The addresses that a member has no more when it withdraws.

        On a LAN there is no route to take away: only who lacks the address does not answer for it.
        """
        return tuple(one for one in self.addresses if one in self.on_link)


@dataclass(frozen=True, slots=True)
class Multipath:
    """How routers choose among equally near next hops, see the file format."""

    hash: Literal["header", "l3", "l4"] = "header"
    resilient: bool = False
    seeds: bool = True


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A border that announces a covering prefix ``towards`` its neighbours outside.

    It discards what it has no better route for, and tells them no more-specific of the prefix.
    """

    at: str
    prefix: IPv4Network | IPv6Network
    towards: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Filter:
    """A router that accepts no longer prefix from ``neighbours`` (all routers if none is named)."""

    at: str
    longest: Mapping[Family, int]
    neighbours: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Routing:
    """How routes come about: by the lab (``kernel``) or by a daemon's protocol.

    ``detect`` and ``spread`` are the seconds until the lab's own plane sees a fault, and for each
    hop the news travels.
    """

    daemon: str = "kernel"
    protocol: str | None = None
    tables: Literal["full", "compact"] = "full"
    options: Mapping[str, Any] = field(default_factory=no_options)
    multipath: Multipath = field(default_factory=Multipath)
    detect: float = 0.0
    spread: float = 0.0
    aggregates: tuple[Aggregate, ...] = ()
    filters: tuple[Filter, ...] = ()

    @property
    def policed(self) -> bool:
        """Whether some router does not learn, or tell, all there is."""
        return bool(self.aggregates or self.filters)


@dataclass(frozen=True, slots=True)
class Network:
    """The whole network; all mappings keep file order."""

    name: str
    description: str
    nodes: Mapping[str, Node]
    links: tuple[Link, ...]
    lans: tuple[Lan, ...]
    groups: Mapping[str, Group]
    routing: Routing
    neighbour: Neighbour = field(default_factory=Neighbour)

    def role(self, role: Role) -> tuple[str, ...]:
        """The names of the nodes of one role, in file order."""
        return tuple(node.name for node in self.nodes.values() if node.role == role)

    def speakers(self) -> tuple[str, ...]:
        """The names of those that take part in a routing protocol: all but plain clients."""
        members = {name for group in self.groups.values() for name in group.instances}
        return tuple(
            name
            for name, node in self.nodes.items()
            if node.interfaces and (node.role != "client" or name in members)
        )
