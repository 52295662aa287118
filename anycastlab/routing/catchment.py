"""The predicted catchment: which instances are nearest to each client, and how far they are."""

from __future__ import annotations

from anycastlab.routing.followed import follow
from anycastlab.routing.graph import Graph, Targets
from anycastlab.routing.spf import UNREACHABLE, Tree, entrance, shortest_paths
from anycastlab.routing.state import INTACT, NetworkState
from anycastlab.topology.network import Family, Network


def predict(
    network: Network,
    state: NetworkState = INTACT,
    group: str | None = None,
    family: Family | None = None,
) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the instances at the least distance for every (client, group), sorted by name.

    Distance is measured along the client's own direction. Several names are a tie, none mean that
    no instance is reachable; members that are dead or withdrawn are no instances, and a dead client
    reaches nothing. With a *family*, only its addresses count.
    """
    found = {place: nearest for place, (_, nearest) in _reach(network, state, group).items()}
    for place, end in follow(network, state, group, family).items():
        found[place] = end.instances
    return found


def distances(
    network: Network, state: NetworkState = INTACT, group: str | None = None
) -> dict[tuple[str, str], int | None]:
    """Return the distance to the nearest instances for every (client, group); None without any."""
    found = {place: distance for place, (distance, _) in _reach(network, state, group).items()}
    for place, end in follow(network, state, group).items():
        found[place] = end.distance
    return found


def _reach(
    network: Network, state: NetworkState, group: str | None
) -> dict[tuple[str, str], tuple[int | None, tuple[str, ...]]]:
    """Return distance and nearest instances for every (client, group); one search a member set."""
    graph = Graph.of(network, state)
    names, numbers = graph.wiring.names, graph.wiring.number
    clients = [
        (name, numbers[name], *entrance(graph, numbers[name])) for name in network.role("client")
    ]
    found: dict[Targets, tuple[Tree, list[int]]] = {}
    reach: dict[tuple[str, str], tuple[int | None, tuple[str, ...]]] = {}
    for name in network.groups if group is None else (group,):
        targets = graph.serving(name)
        if targets not in found:
            tree = shortest_paths(graph, targets)
            found[targets] = tree, _nearest(graph, tree, targets)
        tree, nearest = found[targets]
        order = sorted(targets)
        members = {  # few sets of members are the nearest of anybody
            label: tuple(sorted(names[t] for place, t in enumerate(order) if label >> place & 1))
            for label in set(nearest)
        }
        for client, number, vertex, cost in clients:
            if number in targets:
                vertex, cost = number, 0
            distance = tree.distances[vertex]
            reach[client, name] = (
                (distance + cost, members[nearest[vertex]])
                if distance < UNREACHABLE
                else (None, ())
            )
    return reach


def _nearest(graph: Graph, tree: Tree, targets: Targets) -> list[int]:
    """Return, for every vertex, the set of all its nearest targets: bit *i* for the *i*-th number.

    A target passes its label on along the edges that shortest paths use, nearest vertices first;
    a LAN precedes the nodes that are as far, since it passes labels on at no cost.
    """
    nodes, forwards = len(graph.wiring.names), graph.wiring.forwards
    labels = [0] * len(tree.distances)
    for place, target in enumerate(sorted(targets)):
        labels[target] = 1 << place
    reached = [v for v, distance in enumerate(tree.distances) if distance < UNREACHABLE]
    for vertex in sorted(reached, key=lambda v: (tree.distances[v], v < nodes)):
        distance = tree.distances[vertex]
        if forwards[vertex] or not distance:
            for sender, cost, _ in graph.into[vertex]:
                if tree.distances[sender] == distance + cost:
                    labels[sender] |= labels[vertex]
    return labels
