"""From next hops towards every destination to the table of one node."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from anycastlab.routing.aggregate import Block
from anycastlab.routing.destinations import (
    AggregatedLoopback,
    Covering,
    Destination,
    LanPrefix,
    LinkPrefix,
    Loopback,
    Service,
)
from anycastlab.routing.graph import Graph, Wiring
from anycastlab.routing.policy import Policy, split
from anycastlab.routing.table import Prefix, Table

DEFAULTS = Prefix(bytes(4), 0), Prefix(bytes(16), 0)


def default_hops(graph: Graph, number: int) -> int:
    """Return the next hop of a host's default route; 0 for a router, or where there is none.

    A host has a default route when its only segment leads to just one router.
    """
    edges = graph.out[number]
    if graph.wiring.forwards[number] or len(edges) != 1:
        return 0
    vertex, _, bit = edges[0]
    if vertex < len(graph.wiring.names):
        return bit if graph.wiring.forwards[vertex] else 0
    routers = [place for port, _, place in graph.out[vertex] if graph.wiring.forwards[port]]
    return bit * routers[0] if len(routers) == 1 else 0


class TableMaker:
    """Makes tables out of rows: one node's next hops towards each of the ``destinations``.

    Destinations are in the order of installation: service addresses, loopbacks, links, LANs. With
    compact tables the loopbacks of a block come last, from place ``alone`` on: routers have routes
    to parts of the block instead. ``routes`` are each destination's prefixes, and whether it is of
    IPv4 (0) or IPv6 (1). With *services_only* there are no other destinations; with a *policy*
    each service's prefixes are closed out alike.
    """

    def __init__(
        self, wiring: Wiring, policy: Policy | None = None, *, services_only: bool = False
    ) -> None:
        self._wiring = wiring
        compact = wiring.network.routing.tables == "compact"
        self._block = Block.of(wiring) if compact and not services_only else None
        inside = tuple(self._block.places) if self._block else ()
        separate = list(_separate(wiring, frozenset(inside), links=not compact))
        if policy is not None:
            separate = list(_policed(policy, separate))
        if services_only:
            separate = [one for one in separate if isinstance(one, Service)]
        self.alone = len(separate)
        self.destinations: list[Destination] = [
            *separate,
            *(AggregatedLoopback.of(wiring, number) for number in inside),
        ]
        self.routes = [
            [(prefix, len(prefix.address) // 16) for prefix in destination.prefixes]
            for destination in self.destinations
        ]
        self._connected = self._places_of_hosts()
        place = {number: self.alone + i for i, number in enumerate(inside)}
        self._spread = [place[owner] for owner in self._block.owners] if self._block else []

    def make(self, graph: Graph, number: int, row: list[int]) -> Table:
        """Return a node's table; a leaf's row may be empty, all it has is a default route."""
        default = default_hops(graph, number)
        for connected in self._connected.get(number, ()) if row else ():
            row[connected] = 0
        if default:
            table = dict(zip(DEFAULTS, self._wiring.hops(number, default), strict=True))
            return table | self._routes(number, row, without={0, default})
        table = self._routes(number, row[: self.alone], without={0})
        if self._block and row:
            for piece in self._block.pieces(number, list(map(row.__getitem__, self._spread))):
                hops = self._wiring.hops(number, piece.hops)
                table.update(zip(self._block.prefixes(piece), hops, strict=True))
        return table

    def _places_of_hosts(self) -> dict[int, list[int]]:
        """Return, for each host, the links and LANs it is on: a router is where those are reached,
        but a host would get there by way of a router."""
        found: dict[int, list[int]] = {}
        for place, destination in enumerate(self.destinations[: self.alone]):
            if isinstance(destination, LinkPrefix | LanPrefix):
                for number in destination.connected:
                    if not self._wiring.forwards[number]:
                        found.setdefault(number, []).append(place)
        return found

    def _routes(self, number: int, row: list[int], without: set[int]) -> Table:
        """Return a route to every prefix of the first destinations, as far as the row goes."""
        hops = {mask: self._wiring.hops(number, mask) for mask in set(row) - without}
        return {
            prefix: hops[mask][family]
            for routes, mask in zip(self.routes, row, strict=False)
            if mask not in without
            for prefix, family in routes
        }


def _separate(wiring: Wiring, inside: frozenset[int], *, links: bool) -> Iterator[Destination]:
    """Yield every destination that has routes of its own."""
    network = wiring.network
    yield from Service.all(network)
    for number in range(len(wiring.names)):
        if number not in inside:
            yield Loopback.of(wiring, number)
    if links:
        for link in network.links:
            yield LinkPrefix.of(wiring, link)
    for vertex, lan in enumerate(network.lans, len(wiring.names)):
        yield LanPrefix.of(wiring, vertex, lan)


def _policed(policy: Policy, destinations: Iterable[Destination]) -> Iterator[Destination]:
    """Yield what borders announce, and services in parts that are closed out alike."""
    borders: dict[Prefix, list[str]] = {}
    for one in policy.wiring.network.routing.aggregates:
        prefix = Prefix(one.prefix.network_address.packed, one.prefix.prefixlen)
        borders.setdefault(prefix, []).append(one.at)
    for prefix, names in borders.items():
        yield Covering((prefix,), tuple(names), policy.closed(prefix))
    for destination in destinations:
        if isinstance(destination, Service):
            for closed, prefixes in split(policy, destination.prefixes):
                yield Service(tuple(prefixes), destination.groups, closed)
        else:
            yield destination
