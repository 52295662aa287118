"""The shortest-path trees behind a list of destinations, kept and repaired as the graph changes."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

from anycastlab.routing.destinations import Aim, Destination
from anycastlab.routing.graph import Graph, Targets
from anycastlab.routing.repair import dead_ends, difference, repair
from anycastlab.routing.spf import UNREACHABLE, shortest_paths


class Paths:
    """The next hops of every vertex towards every destination: one tree a set of targets.

    A destination goes by its place in the list.
    """

    def __init__(self, destinations: Sequence[Destination], graph: Graph) -> None:
        self._destinations = destinations
        self._graph = graph
        self._aims = [destination.aim(graph) for destination in destinations]
        self._borrowed = False
        self._trees = {
            targets: shortest_paths(graph, targets)
            for targets in {aim.targets for aim in self._aims}
        }

    def apart(self) -> Paths:
        """Return paths that can be updated without a change of these, which must not be meanwhile.

        Trees that stay the same are shared.
        """
        twin = copy(self)
        twin._borrowed = True
        return twin

    def nearest(self, vertex: int) -> int:
        """Return the distance from a vertex to the nearest target of any destination."""
        return min((tree.distances[vertex] for tree in self._trees.values()), default=UNREACHABLE)

    def hops(self, place: int, vertex: int) -> int:
        """Return one vertex's next hops towards one destination."""
        aim = self._aims[place]
        return aim.bit if vertex == aim.at else self._trees[aim.targets].hops[vertex]

    def columns(self) -> list[list[int]]:
        """Return, for every destination, the next hops of all vertices: not to be changed."""
        return list(map(self._column, self._aims))

    def update(self, graph: Graph) -> list[set[int]]:
        """Go on to another state; return, for each destination, where its next hops may differ."""
        old_aims = self._aims
        self._aims = [destination.aim(graph) for destination in self._destinations]
        both = list(zip(old_aims, self._aims, strict=True))
        turned = {
            place: self._column(old).copy()
            for place, (old, new) in enumerate(both)
            if old.targets != new.targets
        }
        moved = self._retree(graph, old_aims)
        return [
            _unequal(turned[place], self._column(new))
            if place in turned
            else moved[new.targets]
            if old is new or old == new
            else moved[new.targets].union(at for at in (old.at, new.at) if at >= 0)
            for place, (old, new) in enumerate(both)
        ]

    def _column(self, aim: Aim) -> list[int]:
        hops = self._trees[aim.targets].hops
        if aim.at >= 0:
            hops = hops.copy()
            hops[aim.at] = aim.bit
        return hops

    def _retree(self, graph: Graph, old_aims: list[Aim]) -> dict[Targets, set[int]]:
        """Get the trees of all aims; return where those changed that were there before.

        A destination that kept some of its targets gets its tree from the one it had.
        """
        old_trees, steps = self._trees, difference(self._graph, graph)
        ends = dead_ends(graph, steps)
        origins = {
            new.targets: old.targets
            for old, new in zip(old_aims, self._aims, strict=True)
            if new.targets not in old_trees and not old.targets.isdisjoint(new.targets)
        }
        self._trees = {targets: old_trees[old].copied() for targets, old in origins.items()}
        moved: dict[Targets, set[int]] = {}
        for targets in {aim.targets for aim in self._aims}:
            if targets in origins:
                tree, old = self._trees[targets], origins[targets]
                repair(tree, self._graph, graph, steps, left=old - targets, joined=targets - old)
            elif targets in old_trees:
                tree, moved[targets] = old_trees[targets], set()
                if ends is None or not ends.isdisjoint(targets):
                    tree = tree.copied() if self._borrowed else tree
                    moved[targets] = repair(tree, self._graph, graph, steps)
                self._trees[targets] = tree
            else:
                self._trees[targets] = shortest_paths(graph, targets)
        self._graph = graph
        return moved


def _unequal(old: list[int], new: list[int]) -> set[int]:
    return {vertex for vertex, (a, b) in enumerate(zip(old, new, strict=True)) if a != b}
