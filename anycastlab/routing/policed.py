"""The forwarding tables of a network with policies, made as a whole.

Without policies a :class:`.forwarder.Forwarder` makes them and keeps them up to date; here each
class of prefixes has a graph of its own, and every state is computed afresh.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter

from anycastlab.routing.destinations import Aim
from anycastlab.routing.graph import Graph, Targets, Wiring
from anycastlab.routing.policy import Closed, Policy, add_discards, without
from anycastlab.routing.spf import Tree, shortest_paths
from anycastlab.routing.state import INTACT, NetworkState
from anycastlab.routing.table import Table
from anycastlab.routing.tables import TableMaker
from anycastlab.topology.network import Network


def policed(network: Network, state: NetworkState = INTACT) -> dict[str, Table]:
    """Return the table of every living node."""
    wiring = Wiring(network)
    graph = Graph.joined(wiring, state)
    maker = TableMaker(wiring, Policy(wiring))
    columns = list(_columns(graph, [one.aim(graph) for one in maker.destinations]))
    tables = {
        name: maker.make(
            graph,
            number,
            [] if number in wiring.access else list(map(itemgetter(number), columns)),
        )
        for number, name in enumerate(wiring.names)
        if graph.lives(name)
    }
    add_discards(tables, network.routing.aggregates)
    return tables


def _columns(graph: Graph, aims: list[Aim]) -> Iterator[list[int]]:
    """Yield, for every aim, the next hops of all vertices."""
    graphs: dict[Closed, Graph] = {}
    trees: dict[tuple[Targets, Closed], Tree] = {}
    for aim in aims:
        key = aim.targets, aim.closed
        if aim.closed not in graphs:
            graphs[aim.closed] = without(graph, aim.closed)
        if key not in trees:
            trees[key] = shortest_paths(graphs[aim.closed], aim.targets)
        hops = trees[key].hops
        if aim.at >= 0:
            hops = hops.copy()
            hops[aim.at] = aim.bit
        yield hops
