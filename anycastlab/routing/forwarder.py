"""All forwarding tables of a network, kept up to date from fault to fault."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from operator import itemgetter

from anycastlab.routing.changes import Change, changed
from anycastlab.routing.graph import Graph, Wiring
from anycastlab.routing.paths import Paths
from anycastlab.routing.state import INTACT, NetworkState
from anycastlab.routing.table import Table
from anycastlab.routing.tables import TableMaker, default_hops
from anycastlab.topology.network import Network


class Forwarder:
    """``tables`` holds the table of every living node; :meth:`update` changes what a fault changes.

    There are routes to service addresses, loopbacks, and the prefixes of links and LANs, over every
    equally near next hop and alike in both families. What a node is connected to, its own addresses
    and what it cannot reach have none. A host whose one segment leads to one router has a default
    route, and beside it just the routes that differ. Compact tables know no links, and loopbacks by
    blocks. With *services_only* there are routes to service addresses, and defaults: what must be
    found first after a fault.
    """

    def __init__(
        self, network: Network, state: NetworkState = INTACT, *, services_only: bool = False
    ) -> None:
        self._wiring = Wiring(network)
        self._graph = Graph.joined(self._wiring, state)
        self._maker = TableMaker(self._wiring, services_only=services_only)
        self._paths = Paths(self._maker.destinations, self._graph)
        self.tables = self._make(self._living())

    def update(self, state: NetworkState) -> dict[str, Change]:
        """Bring ``tables`` to another state; return what changed in them, service prefixes first.

        A node that has died has no table any more, and no change either.
        """
        changes = self._turn(state)
        for name in state.dead:
            self.tables.pop(name, None)
        for name, change in changes.items():
            change.apply(self.tables.setdefault(name, {}))
        return {name: change for name, change in changes.items() if any(change)}

    def foresee(self, state: NetworkState) -> dict[str, Change]:
        """Return what :meth:`update` would, in the order of :meth:`outward`, and stay here."""
        there = copy(self)
        there._paths = self._paths.apart()
        changes = there._turn(state)
        return there.outward({name: change for name, change in changes.items() if any(change)})

    def outward(self, changes: Mapping[str, Change]) -> dict[str, Change]:
        """Put what led to the present state in order: first the nodes nearest to a target.

        Carried out so, a route to a target never leads to a router that has yet to change.
        """
        number, nearest = self._wiring.number, self._paths.nearest
        return {name: changes[name] for name in sorted(changes, key=lambda n: nearest(number[n]))}

    def _turn(self, state: NetworkState) -> dict[str, Change]:
        """Go on to another state, all but ``tables``; return what changes in those."""
        old, self._graph = self._graph, self._graph.moved(state)
        turned = self._paths.update(self._graph)
        living, afresh = self._living(), self._to_make_afresh(old, turned)
        changes = self._reroute(turned, living - afresh)
        for name, table in self._make(living & afresh).items():
            changes[name] = changed(self.tables.get(name, {}), table)
        return changes

    def _living(self) -> set[int]:
        names = self._wiring.names
        return {number for number, name in enumerate(names) if self._graph.lives(name)}

    def _make(self, numbers: Iterable[int]) -> dict[str, Table]:
        """Make the tables of these nodes from the next hops towards all destinations."""
        columns, leaves = self._paths.columns(), self._wiring.access
        return {
            self._wiring.names[number]: self._maker.make(
                self._graph,
                number,
                [] if number in leaves else list(map(itemgetter(number), columns)),
            )
            for number in sorted(numbers)
        }

    def _to_make_afresh(self, old: Graph, turned: list[set[int]]) -> set[int]:
        """Return the nodes whose tables must be made as a whole: hosts, revived nodes, blocks."""
        names, forwards, new = self._wiring.names, self._wiring.forwards, self._graph
        hosts = {number for number in range(len(names)) if not forwards[number]}
        return {
            number
            for number in hosts
            if old.out[number] is not new.out[number]
            and default_hops(old, number) != default_hops(new, number)
        }.union(
            (self._wiring.number[name] for name in old.state.dead - new.state.dead),
            *(vertices & hosts for vertices in turned[: self._maker.alone]),
            *turned[self._maker.alone :],
        )

    def _reroute(self, turned: list[set[int]], numbers: set[int]) -> dict[str, Change]:
        """Find the single routes of these nodes that change where next hops differ."""
        names, hops_of, mask_of = self._wiring.names, self._wiring.hops, self._paths.hops
        changes: dict[str, Change] = {}
        for place, routes in enumerate(self._maker.routes[: self._maker.alone]):
            for number in turned[place] & numbers:
                table = self.tables[names[number]]
                removed, put = changes.setdefault(names[number], Change([], {}))
                hops = hops_of(number, mask_of(place, number))
                for prefix, family in routes:
                    if not hops[family]:
                        if prefix in table:
                            removed.append(prefix)
                    elif table.get(prefix) != hops[family]:
                        put[prefix] = hops[family]
        return changes
