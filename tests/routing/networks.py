"""Networks made directly, without a topology file, and random ones for hypothesis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    ip_address,
)
from itertools import count
from typing import Literal

from hypothesis import strategies as st

from anycastlab.routing.state import NetworkState
from anycastlab.topology.network import (
    Group,
    Interface,
    Lan,
    Link,
    Member,
    Network,
    Node,
    Role,
    Routing,
)

LOOPBACKS = IPv4Address("10.255.0.1"), IPv6Address("fd00:ff::1")
ROLES: Mapping[str, Role] = {"r": "router", "c": "client", "s": "server"}


class _Interfaces:
    """The interfaces of each node, numbered as they are made."""

    def __init__(self, names: Iterable[str]) -> None:
        self._indexes = count(2)
        self.of: dict[str, list[Interface]] = {name: [] for name in names}

    def make(self, node: str, segment: str, ipv4: str, ipv6: str) -> Interface:
        index = next(self._indexes)
        made = Interface(
            node, f"eth{index}", index, segment, IPv4Interface(ipv4), IPv6Interface(ipv6)
        )
        self.of[node].append(made)
        return made


def _groups(members: Mapping[str, Sequence[str]]) -> dict[str, Group]:
    return {
        name: Group(
            name,
            (ip_address(f"192.0.2.{k}"), ip_address(f"2001:db8:a::{k:x}")),
            tuple(map(Member, nodes)),
        )
        for k, (name, nodes) in enumerate(members.items(), 1)
    }


def build(
    links: Sequence[tuple[str, str] | tuple[str, str, int] | tuple[str, str, int, int]],
    groups: Mapping[str, Sequence[str]] | None = None,
    *,
    lans: Mapping[str, tuple[int, Sequence[str]]] | None = None,
    names: Sequence[str] = (),
    tables: Literal["full", "compact"] = "full",
    loopbacks: Mapping[str, tuple[str, str]] | None = None,
) -> Network:
    """Return a network whose nodes' roles are the first letters of their names (r, c, s).

    ``links`` are (a, b, cost = 1, cost back = cost); ``lans`` map a name to (cost, nodes). Nodes
    are numbered in the order of ``names``, then as they appear.
    """
    lans = lans or {}
    order = dict.fromkeys(names)
    order |= dict.fromkeys(name for link in links for name in link[:2])
    order |= dict.fromkeys(name for _, ports in lans.values() for name in ports)
    interfaces = _Interfaces(order)
    made_links = []
    for k, (a, b, *costs) in enumerate(links):
        x, y = divmod(2 * k, 256)
        ends = [
            interfaces.make(
                node, f"{a}-{b}", f"172.16.{x}.{y + i}/31", f"fd00:1::{x:x}:{y + i:x}/127"
            )
            for i, node in enumerate((a, b))
        ]
        made_links.append(Link(f"{a}-{b}", *ends, *([*costs, *costs] or [1, 1])[:2]))
    made_lans = []
    for k, (name, (cost, nodes)) in enumerate(lans.items()):
        ports = tuple(
            interfaces.make(node, name, f"10.9.{k}.{i}/24", f"fd00:9:{k:x}::{i:x}/64")
            for i, node in enumerate(nodes, 1)
        )
        subnets = IPv4Network(f"10.9.{k}.0/24"), IPv6Network(f"fd00:9:{k:x}::/64")
        made_lans.append(Lan(name, ports, *subnets, cost))
    addresses = {name: (LOOPBACKS[0] + i, LOOPBACKS[1] + i) for i, name in enumerate(order)}
    for name, (ipv4, ipv6) in (loopbacks or {}).items():
        addresses[name] = IPv4Address(ipv4), IPv6Address(ipv6)
    return Network(
        name="test",
        description="",
        nodes={
            name: Node(name, ROLES[name[0]], *addresses[name], tuple(interfaces.of[name]))
            for name in order
        },
        links=tuple(made_links),
        lans=tuple(made_lans),
        groups=_groups(groups or {}),
        routing=Routing(tables=tables),
    )


def compact(network: Network) -> Network:
    """Return the same network with compact tables."""
    return replace(network, routing=replace(network.routing, tables="compact"))


@st.composite
def networks(draw: st.DrawFn, max_routers: int = 8, max_hosts: int = 6) -> Network:
    """Draw a network of few routers and hosts: any links, asymmetric costs, ties, LANs, pieces."""
    routers = [f"r{i}" for i in range(draw(st.integers(1, max_routers)))]
    hosts = [f"{draw(st.sampled_from('cs'))}{i}" for i in range(draw(st.integers(1, max_hosts)))]
    names = draw(st.permutations(routers + hosts))
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    cost = st.integers(1, 4)
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=2 * len(names)))
    links = [(a, b, draw(cost), draw(cost)) for a, b in chosen]
    lans = {
        f"lan{i}": (
            draw(cost),
            draw(st.lists(st.sampled_from(names), unique=True, min_size=1, max_size=5)),
        )
        for i in range(draw(st.integers(0, 2)))
    }
    servers = [name for name in names if name[0] != "c"]
    members = st.lists(st.sampled_from(servers), unique=True, min_size=1, max_size=4)
    groups = {f"g{i}": draw(members) for i in range(draw(st.integers(1, 2)))}
    return build(links, groups, lans=lans, names=names)


@st.composite
def states(draw: st.DrawFn, network: Network) -> NetworkState:
    """Draw dead nodes, cut links and LAN ports, and replaced costs."""
    segments = [link.name for link in network.links]
    segments += [f"{lan.name}:{port.node}" for lan in network.lans for port in lan.ports]
    ends = [(a.node, b.node) for k in network.links for a, b in ((k.a, k.b), (k.b, k.a))]
    few = {"max_size": 3}
    return NetworkState(
        dead=draw(st.frozensets(st.sampled_from(list(network.nodes)), **few)),
        cut=draw(st.frozensets(st.sampled_from(segments), **few)) if segments else frozenset(),
        costs=draw(st.dictionaries(st.sampled_from(ends), st.integers(1, 4), **few))
        if ends
        else {},
    )
