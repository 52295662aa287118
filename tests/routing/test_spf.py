"""Shortest-path trees against networkx: distances and all equally near next hops."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from anycastlab.routing.graph import Graph
from anycastlab.routing.spf import UNREACHABLE, entrance, shortest_paths
from anycastlab.routing.state import NetworkState

from .networks import build, networks, states
from .reference import digraph, distance


@given(st.data())
def test_distances_are_those_of_networkx(data: st.DataObject) -> None:
    network = data.draw(networks())
    state = data.draw(states(network))
    reference, graph = digraph(network, state), Graph.of(network, state)
    targets = data.draw(st.sets(st.sampled_from(graph.wiring.names), min_size=1, max_size=3))
    tree = shortest_paths(graph, graph.living(tuple(targets)))
    for number, name in enumerate(graph.wiring.names):
        if name not in state.dead:
            expected = min(distance(network, reference, name, target) for target in targets)
            vertex, cost = (number, 0) if name in targets else entrance(graph, number)
            found = tree.distances[vertex] + cost
            assert (float("inf") if found >= UNREACHABLE else found) == expected


def test_a_lan_costs_once_for_all_its_ports() -> None:
    graph = Graph.of(build([("r3", "s")], lans={"lan": (4, ["r1", "r2", "r3"])}))
    tree = shortest_paths(graph, graph.living(("s",)))
    r1, r2, r3 = (graph.wiring.number[name] for name in ("r1", "r2", "r3"))
    assert [tree.distances[number] for number in (r1, r2, r3)] == [5, 5, 1]
    assert [len(graph.wiring.hops(number, tree.hops[number])[0]) for number in (r1, r2)] == [1, 1]


def test_several_ports_of_a_lan_may_be_equally_near() -> None:
    links = [("r2", "r4"), ("r3", "r4")]
    graph = Graph.of(build(links, lans={"lan": (4, ["r1", "r2", "r3"])}))
    tree = shortest_paths(graph, graph.living(("r4",)))
    r1 = graph.wiring.number["r1"]
    lan = graph.wiring.network.lans[0]
    hops, _ = graph.wiring.hops(r1, tree.hops[r1])
    assert [hop.gateway for hop in hops] == [port.ipv4.packed for port in lan.ports[1:]]


def test_a_cut_port_leaves_the_rest_of_its_lan_alone() -> None:
    network = build([], lans={"lan": (1, ["r1", "r2", "r3"])})
    graph = Graph.of(network, NetworkState(cut=frozenset({"lan:r2"})))
    tree = shortest_paths(graph, graph.living(("r3",)))
    assert tree.distances[graph.wiring.number["r1"]] == 1
    assert tree.distances[graph.wiring.number["r2"]] == UNREACHABLE
