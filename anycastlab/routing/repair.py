"""Repair of a shortest-path tree after a change of the graph, at the cost of what changed.

The method is that of Narvaez, Siu and Tzeng ("New dynamic algorithms for shortest path tree
computation", IEEE/ACM Transactions on Networking 8(6), 2000): forget the distances that leaned on
a worse edge, start Dijkstra's search from the rim of that hole and from the better edges.
"""

from __future__ import annotations

import heapq
from typing import NamedTuple, TypeAlias

from anycastlab.routing.graph import Edge, Graph, Targets
from anycastlab.routing.spf import UNREACHABLE, Tree, shortest_paths

Step: TypeAlias = tuple[int, int, int]
"""A directed edge: sender, receiver, cost."""

MOST_LOST = 5
"""A tree that loses more than one vertex in so many is sooner made again than repaired."""


class Difference(NamedTuple):
    """The edges of an old graph that are gone or cost something else now, and those of the new."""

    gone: list[Step]
    come: list[Step]


def difference(old: Graph, new: Graph) -> Difference:
    """Compare two graphs of one wiring."""
    pairs = [
        (v, before, after)
        for v, (before, after) in enumerate(zip(old.into, new.into, strict=True))
        if before is not after and before != after
    ]
    return Difference(
        [(u, v, cost) for v, before, after in pairs for u, cost, _ in _without(before, after)],
        [(u, v, cost) for v, before, after in pairs for u, cost, _ in _without(after, before)],
    )


def dead_ends(graph: Graph, steps: Difference) -> set[int] | None:
    """Return the vertices that all these edges lead to, if no path leads through any of them.

    Then just the trees towards them can differ: as when a server dies. None stands for all trees.
    """
    ends = {v for _, v, _ in (*steps.gone, *steps.come)}
    return None if any(graph.wiring.forwards[v] for v in ends) else ends


def _without(edges: list[Edge], others: list[Edge]) -> set[Edge]:
    return set(edges).difference(others)


def repair(
    tree: Tree,
    old: Graph,
    new: Graph,
    steps: Difference,
    *,
    left: Targets = frozenset(),
    joined: Targets = frozenset(),
) -> set[int]:
    """Turn a tree of the old graph into that of the new one; return where next hops changed.

    ``left`` are no targets any more, ``joined`` are from now on.
    """
    distances, forwards = tree.distances, new.wiring.forwards
    lost = {
        u
        for u, v, cost in steps.gone
        if distances[u] == distances[v] + cost and (forwards[v] or not distances[v])
    }.union(left)
    if lost:
        _add_leaning(tree, old, lost)
        if len(lost) > len(distances) // MOST_LOST:
            return _remake(tree, new, left, joined)
        for vertex in lost:
            distances[vertex] = UNREACHABLE
    come = [
        (distances[v] + cost, u)
        for u, v, cost in steps.come
        if distances[v] + cost <= distances[u] and (forwards[v] or not distances[v])
    ]
    come += [(0, target) for target in joined]
    if not lost and not come:
        return lost
    stale = _search(tree, new, come + [(_rim(tree, new, vertex), vertex) for vertex in lost])
    stale |= lost
    stale |= {sender for vertex in stale for sender, _, _ in new.into[vertex]}
    stale.update(u for _, u in come)
    return _refresh(tree, new, stale)


def _remake(tree: Tree, graph: Graph, left: Targets, joined: Targets) -> set[int]:
    """Search again from the start; return where next hops changed."""
    kept = {vertex for vertex, distance in enumerate(tree.distances) if not distance} - left
    distances, hops = shortest_paths(graph, kept | joined)
    changed = {v for v, (a, b) in enumerate(zip(tree.hops, hops, strict=True)) if a != b}
    tree.distances[:], tree.hops[:] = distances, hops
    return changed


def _add_leaning(tree: Tree, graph: Graph, lost: set[int]) -> None:
    """Add all vertices that have a shortest path through one of the lost."""
    distances, forwards = tree.distances, graph.wiring.forwards
    pending = list(lost)
    for vertex in pending:
        distance = distances[vertex]
        if forwards[vertex] or not distance:
            for sender, cost, _ in graph.into[vertex]:
                if sender not in lost and distances[sender] == distance + cost:
                    lost.add(sender)
                    pending.append(sender)


def _rim(tree: Tree, graph: Graph, vertex: int) -> int:
    """Return the distance over the nearest neighbour that has one."""
    distances, forwards, least = tree.distances, graph.wiring.forwards, UNREACHABLE
    for v, cost, _ in graph.out[vertex]:
        length = distances[v] + cost
        if length < least and (forwards[v] or not distances[v]):
            least = length
    return least


def _search(tree: Tree, graph: Graph, heap: list[tuple[int, int]]) -> set[int]:
    """Spread the given distances (and no worse ones); return the vertices that took one."""
    distances, forwards, moved = tree.distances, graph.wiring.forwards, set()
    heapq.heapify(heap)
    while heap:
        distance, vertex = heapq.heappop(heap)
        if distance >= distances[vertex]:
            continue
        distances[vertex] = distance
        moved.add(vertex)
        if forwards[vertex] or not distance:
            for sender, cost, _ in graph.into[vertex]:
                if distance + cost < distances[sender]:
                    heapq.heappush(heap, (distance + cost, sender))
    return moved


def _refresh(tree: Tree, graph: Graph, stale: set[int]) -> set[int]:
    """Read the next hops of these vertices off the distances; return where they changed."""
    nodes, changed = len(graph.wiring.names), set()
    lans = {vertex for vertex in stale if vertex >= nodes}
    ports = {u for lan in lans if _reread(tree, graph, lan) for u, _, _ in graph.into[lan]}
    for vertex in (stale | ports) - lans:
        if _reread(tree, graph, vertex):
            changed.add(vertex)
    return changed


def _reread(tree: Tree, graph: Graph, vertex: int) -> bool:
    """Read one vertex's next hops off the distances; return whether they changed."""
    distances, hops = tree
    forwards, nodes, found = graph.wiring.forwards, len(graph.wiring.names), 0
    distance = distances[vertex]
    for v, cost, bit in graph.out[vertex]:
        if distances[v] + cost == distance and (forwards[v] or not distances[v]):
            found |= bit if v < nodes else bit * hops[v]
    changed = found != hops[vertex]
    hops[vertex] = found
    return changed
