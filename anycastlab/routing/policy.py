"""Which routers do not learn a prefix from which neighbours, by the borders of the network.

A route travels from router to router, so a policy takes edges out of the graph: a router that is
told nothing of a prefix by a neighbour does not send there by way of it. Policies are about service
addresses and what covers them; loopbacks and links are known to all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import NamedTuple, TypeAlias

from anycastlab.routing.graph import Graph, Wiring
from anycastlab.routing.table import DISCARD, Prefix, Table
from anycastlab.topology.network import Aggregate, Family, Filter

Closed: TypeAlias = frozenset[tuple[int, int]]
"""Directed edges (sender, receiver) that no route leads over: the receiver does not tell it."""


class Policy:
    """The policies of one network; the same prefixes are closed out at the same edges."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring
        self._known: dict[object, Closed] = {}
        self._covers = [_Cover.of(one.prefix) for one in wiring.network.routing.aggregates]

    def closed(self, prefix: Prefix) -> Closed:
        """Return the edges over which a prefix is not learned."""
        inside = tuple(place for place, cover in enumerate(self._covers) if cover.holds(prefix))
        same = any(self._covers[place].length == prefix.length for place in inside)
        key = prefix.length, len(prefix.address), inside, same
        if key not in self._known:
            routing = self.wiring.network.routing
            network = ip_network((prefix.address, prefix.length))
            filtered = (edge for one in routing.filters for edge in self._unaccepted(one, network))
            hidden = (
                edge
                for place in inside
                for edge in self._untold(routing.aggregates[place], network)
            )
            self._known[key] = frozenset((*filtered, *hidden))
        return self._known[key]

    def _unaccepted(
        self, one: Filter, network: IPv4Network | IPv6Network
    ) -> Iterator[tuple[int, int]]:
        family: Family = 4 if network.version == 4 else 6
        if network.prefixlen > one.longest[family]:
            at = self.wiring.number[one.at]
            named = [self.wiring.number[name] for name in one.neighbours]
            yield from ((at, v) for v in named or self._neighbours(at))

    def _untold(
        self, one: Aggregate, network: IPv4Network | IPv6Network
    ) -> Iterator[tuple[int, int]]:
        """A more-specific is not told to those outside, the covering prefix to nobody else."""
        at = self.wiring.number[one.at]
        outside = {self.wiring.number[name] for name in one.towards}
        inside = set(self._neighbours(at)) - outside
        for v in inside if network == one.prefix else outside:
            yield v, at

    def _neighbours(self, number: int) -> Iterator[int]:
        """The routers at the other ends of links, and the LANs."""
        network, numbers = self.wiring.network, self.wiring.number
        lans = {lan.name: v for v, lan in enumerate(network.lans, len(self.wiring.names))}
        for port in network.nodes[self.wiring.names[number]].interfaces:
            if port.segment in lans:
                yield lans[port.segment]
        for way in self.wiring.ways:
            if way.u == number and self.wiring.forwards[way.v]:
                yield numbers[way.receiver]


class _Cover(NamedTuple):
    """A covering prefix: bytes of an address, bits of the prefix and their value, bits after it."""

    size: int
    length: int
    value: int
    spare: int

    @classmethod
    def of(cls, network: IPv4Network | IPv6Network) -> _Cover:
        packed = network.network_address.packed
        spare = network.max_prefixlen - network.prefixlen
        return cls(len(packed), network.prefixlen, int.from_bytes(packed, "big") >> spare, spare)

    def holds(self, prefix: Prefix) -> bool:
        """Whether a prefix is the covering one, or a part of it."""
        if len(prefix.address) != self.size or prefix.length < self.length:
            return False
        return int.from_bytes(prefix.address, "big") >> self.spare == self.value


def without(graph: Graph, closed: Closed) -> Graph:
    """Return a graph without these edges."""
    if not closed:
        return graph
    out, into = graph.out.copy(), graph.into.copy()
    for u in {u for u, _ in closed}:
        out[u] = [edge for edge in out[u] if (u, edge[0]) not in closed]
    for v in {v for _, v in closed}:
        into[v] = [edge for edge in into[v] if (edge[0], v) not in closed]
    return Graph(graph.wiring, graph.state, out, into, graph.links)


def add_discards(tables: dict[str, Table], aggregates: Iterable[Aggregate]) -> None:
    """Have every border discard what is of its prefix and has no better route."""
    for one in aggregates:
        if one.at in tables:
            prefix = Prefix(one.prefix.network_address.packed, one.prefix.prefixlen)
            tables[one.at][prefix] = DISCARD


def split(policy: Policy, prefixes: Sequence[Prefix]) -> Iterator[tuple[Closed, list[Prefix]]]:
    """Yield prefixes that are closed out alike."""
    found: dict[Closed, list[Prefix]] = {}
    for prefix in prefixes:
        found.setdefault(policy.closed(prefix), []).append(prefix)
    yield from found.items()
