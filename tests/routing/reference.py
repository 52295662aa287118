"""The same questions answered by networkx, one vertex a node and one edge a pair of neighbours."""

from __future__ import annotations

import networkx as nx

from anycastlab.routing.state import NetworkState
from anycastlab.topology.network import Network


def digraph(network: Network, state: NetworkState) -> nx.MultiDiGraph:
    """Return living nodes and all directed adjacencies; an edge's key is its (from, to) indexes."""
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(name for name in network.nodes if name not in state.dead)
    for link in network.links:
        if link.name not in state.cut and {link.a.node, link.b.node} <= graph.nodes:
            for a, b, cost in ((link.a, link.b, link.cost), (link.b, link.a, link.cost_back)):
                weight = state.costs.get((a.node, b.node), cost)
                graph.add_edge(a.node, b.node, (a.index, b.index), weight=weight)
    for lan in network.lans:
        ports = [
            p for p in lan.ports if p.node in graph and f"{lan.name}:{p.node}" not in state.cut
        ]
        for a in ports:
            for b in ports:
                if a is not b:
                    graph.add_edge(a.node, b.node, (a.index, b.index), weight=lan.cost)
    return graph


def distance(network: Network, graph: nx.MultiDiGraph, source: str, target: str) -> float:
    """Return the distance over routers only; infinite without a way."""
    if source not in graph or target not in graph:
        return float("inf")
    ends = {source, target}
    usable = [name for name in graph if network.nodes[name].role == "router" or name in ends]
    # A client may be an end of a path but never its middle: not even on the way to itself.
    lengths = nx.single_source_dijkstra_path_length(graph.subgraph(usable), source)
    return lengths.get(target, float("inf"))


def next_hops(
    network: Network, graph: nx.MultiDiGraph, source: str, targets: set[str]
) -> set[tuple[int, int]]:
    """Return the (own index, peer index) of every first edge of a shortest path to any target."""
    living = targets & set(graph)
    least = min((distance(network, graph, source, t) for t in living), default=float("inf"))
    if source in targets or least == float("inf"):
        return set()
    hops = set()
    for _, neighbour, key, weight in graph.out_edges(source, keys=True, data="weight"):
        for target in living:
            transit = neighbour == target or network.nodes[neighbour].role == "router"
            if transit and weight + distance(network, graph, neighbour, target) == least:
                hops.add(key)
    return hops
