"""What a forwarding table has routes for, and where each of these prefixes is reached."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import NamedTuple, Protocol

from anycastlab.routing.graph import Graph, Targets, Wiring
from anycastlab.routing.table import Prefix
from anycastlab.topology.network import Address, Lan, Link, Network


class Aim(NamedTuple):
    """Send towards the nearest of the targets; at the vertex ``at`` use the hops ``bit`` instead.

    The exception makes a leaf reached by the tree of its router.
    """

    targets: Targets
    at: int = -1
    bit: int = 0
    closed: frozenset[tuple[int, int]] = frozenset()
    """Edges that are not used, see :mod:`anycastlab.routing.policy`; only policed tables mind."""


class Destination(Protocol):
    """Prefixes that are reached at the same place."""

    @property
    def prefixes(self) -> tuple[Prefix, ...]:
        """The prefixes of both families."""

    def aim(self, graph: Graph) -> Aim:
        """Return where they are reached in this state."""


def host(address: Address) -> Prefix:
    """Return the prefix of one address."""
    return Prefix(address.packed, address.max_prefixlen)


def holders(network: Network) -> dict[Address, tuple[str, ...]]:
    """Return the groups that have each service address: one, unless registries clash."""
    found: dict[Address, tuple[str, ...]] = {}
    for group in network.groups.values():
        for address in group.addresses:
            found[address] = (*found.get(address, ()), group.name)
    return found


def _subnet(network: IPv4Network | IPv6Network) -> Prefix:
    """Return the prefix of a subnet."""
    return Prefix(network.network_address.packed, network.prefixlen)


NOWHERE = Aim(frozenset())


@dataclass(frozen=True, slots=True)
class Service:
    """Service addresses, reached at the nearest member that serves one of their groups.

    They have more than one group where two registries gave out the same address.
    """

    prefixes: tuple[Prefix, ...]
    groups: tuple[str, ...]
    closed: frozenset[tuple[int, int]] = frozenset()

    @classmethod
    def all(cls, network: Network) -> Iterator[Service]:
        """Yield the destinations of all groups, but for the addresses that their LAN leads to."""
        owners = holders(network)
        for group in network.groups.values():
            shared: dict[tuple[str, ...], list[Prefix]] = {}
            for address in group.addresses:
                if owners[address][0] == group.name and address not in group.on_link:
                    shared.setdefault(owners[address], []).append(host(address))
            for groups, prefixes in shared.items():
                yield cls(tuple(prefixes), groups)

    def aim(self, graph: Graph) -> Aim:
        """Return where the groups are reached in this state."""
        if len(self.groups) == 1:
            return Aim(graph.serving(self.groups[0]), closed=self.closed)
        return Aim(frozenset().union(*map(graph.serving, self.groups)), closed=self.closed)


@dataclass(frozen=True, slots=True)
class Covering:
    """Prefixes that cover service addresses, reached at the nearest border that announces them."""

    prefixes: tuple[Prefix, ...]
    borders: tuple[str, ...]
    closed: frozenset[tuple[int, int]]

    def aim(self, graph: Graph) -> Aim:
        """Return where they are announced in this state."""
        return Aim(graph.living(self.borders), closed=self.closed)


@dataclass(frozen=True, slots=True)
class Loopback:
    """The loopback addresses of a node."""

    prefixes: tuple[Prefix, ...]
    name: str
    number: int
    place: Aim

    @classmethod
    def of(cls, wiring: Wiring, number: int) -> Loopback:
        """Return the destination of a node's loopback."""
        node = wiring.network.nodes[wiring.names[number]]
        prefixes = host(node.ipv4), host(node.ipv6)
        return cls(prefixes, node.name, number, Aim(frozenset((number,))))

    def aim(self, graph: Graph) -> Aim:
        """Return where the node is reached in this state: nowhere when it is dead."""
        if self.number in graph.wiring.access:
            for router, _, bit in graph.into[self.number]:
                return Aim(frozenset((router,)), router, bit)
            return NOWHERE
        return self.place if graph.lives(self.name) else NOWHERE


@dataclass(frozen=True, slots=True)
class AggregatedLoopback(Loopback):
    """A loopback whose routes are part of a block, so that the whole need not change with one node.

    As with any aggregate that is announced, packets to a lost node travel on to where it was and
    end there: only the routers beside it have no route.
    """

    def aim(self, graph: Graph) -> Aim:
        """Return where the node is reached in this state, or was when it lived."""
        aim = Loopback.aim(self, graph)
        if aim.targets:
            return aim
        beside = graph.wiring.routers_beside(self.number)
        return Aim(graph.living(graph.wiring.names[router] for router in beside))


@dataclass(frozen=True, slots=True)
class LinkPrefix:
    """The prefixes of a link, reached at its nearest end that forwards to the other."""

    prefixes: tuple[Prefix, ...]
    name: str
    place: Aim
    connected: Targets

    @classmethod
    def of(cls, wiring: Wiring, link: Link) -> LinkPrefix:
        """Return the destination of a link."""
        ends = wiring.number[link.a.node], wiring.number[link.b.node]
        prefixes = _subnet(link.a.ipv4.network), _subnet(link.a.ipv6.network)
        return cls(prefixes, link.name, Aim(_forwarders(wiring, ends)), frozenset(ends))

    def aim(self, graph: Graph) -> Aim:
        """Return where the link is reached in this state: nowhere when it is cut."""
        return self.place if self.name in graph.links else NOWHERE


@dataclass(frozen=True, slots=True)
class LanPrefix:
    """The prefixes of a LAN, reached at the nearest node on it that forwards to the others."""

    prefixes: tuple[Prefix, ...]
    vertex: int
    connected: Targets

    @classmethod
    def of(cls, wiring: Wiring, vertex: int, lan: Lan) -> LanPrefix:
        """Return the destination of a LAN."""
        ports = frozenset(wiring.number[port.node] for port in lan.ports)
        return cls((_subnet(lan.ipv4), _subnet(lan.ipv6)), vertex, ports)

    def aim(self, graph: Graph) -> Aim:
        """Return where the LAN is reached in this state."""
        ports = (port for port, _, _ in graph.out[self.vertex])
        return Aim(_forwarders(graph.wiring, ports))


def _forwarders(wiring: Wiring, numbers: Iterable[int]) -> Targets:
    """Return those that forward; all when none does (then just the neighbours can reach them)."""
    every = frozenset(numbers)
    return frozenset(number for number in every if wiring.forwards[number]) or every
