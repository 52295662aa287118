"""Shortest paths towards a set of targets, with every equally near next hop (Dijkstra, 1959)."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import NamedTuple

from anycastlab.routing.graph import Edge, Graph

UNREACHABLE = 1 << 60


class Tree(NamedTuple):
    """For every vertex its distance to the nearest target, and the set of its next hops.

    A target's distance is 0, and ``UNREACHABLE`` stands where there is no way; leaves that are no
    targets have no part in the search: see :func:`entrance`. Next hops are bits as in
    :mod:`anycastlab.routing.graph`; targets and vertices without a way have none.
    """

    distances: list[int]
    hops: list[int]

    def copied(self) -> Tree:
        """Return a copy that can be changed apart."""
        return Tree(self.distances.copy(), self.hops.copy())


def shortest_paths(graph: Graph, targets: Iterable[int]) -> Tree:
    """Search from all targets at once, against the direction of the edges.

    The heap holds every distance once and a bucket of vertices belongs to each: where few distances
    differ, as with equal costs, this comes down to breadth-first search.
    """
    into, forwards, nodes = graph.into, graph.wiring.forwards, len(graph.wiring.names)
    distances, hops = [UNREACHABLE] * len(into), [0] * len(into)
    buckets: dict[int, list[int]] = {0: list(targets)}
    for target in buckets[0]:
        distances[target] = 0
    heap, push, pop = [0], heapq.heappush, heapq.heappop
    while heap:
        distance = pop(heap)
        for vertex in buckets.pop(distance):
            if distance != distances[vertex] or (distance and not forwards[vertex]):
                continue
            edges = into[vertex] if vertex < nodes else into_lan(graph, vertex, hops[vertex])
            for sender, cost, bit in edges:
                length, known = distance + cost, distances[sender]
                if length < known:
                    distances[sender], hops[sender] = length, bit
                    if length in buckets:
                        buckets[length].append(sender)
                    else:
                        buckets[length] = [sender]
                        push(heap, length)
                elif length == known:
                    hops[sender] |= bit
    return Tree(distances, hops)


def into_lan(graph: Graph, lan: int, hops: int) -> list[Edge]:
    """Return the edges into a LAN, each with the bits of those ports that are next hops."""
    return [(sender, cost, bit * hops) for sender, cost, bit in graph.into[lan]]


def entrance(graph: Graph, number: int) -> tuple[int, int]:
    """Return the vertex a node that is no target sees every target from, and what it costs to it.

    That is the router for a leaf, the node itself for any other.
    """
    if number in graph.wiring.access:
        for router, cost, _ in graph.out[number]:
            return router, cost
    return number, 0
