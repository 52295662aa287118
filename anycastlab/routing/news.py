"""How the news of a fault spreads: who sees it, and how many hops everybody else is away.

As link-state protocols flood (RFC 2328, section 13.3): routers pass news on, hosts just take them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import MappingProxyType
from typing import Any, TypeAlias

from anycastlab.routing.graph import Graph, Wiring
from anycastlab.routing.state import NetworkState

Part: TypeAlias = tuple[str, Any]
"""What can differ between two states: a field of NetworkState, and a member or key of it."""
News: TypeAlias = dict[Part, tuple[int, Any]]
"""For each part a number, larger in later news, and whether it is in the field (or its value)."""
_SETS = ("dead", "cut", "withdrawn")


def difference(before: NetworkState, now: NetworkState) -> dict[Part, Any]:
    """Return the parts that differ, as they are now."""
    found: dict[Part, Any] = {}
    for kind in _SETS:
        members = getattr(now, kind)
        for name in sorted(getattr(before, kind) ^ members):
            found[kind, name] = name in members
    for pair in {*before.costs, *now.costs}:
        if before.costs.get(pair) != now.costs.get(pair):
            found["costs", pair] = now.costs.get(pair)
    return found


def hear(known: News, news: News) -> None:
    """Add news to what is known, but for those that are older."""
    for part, item in news.items():
        if part not in known or known[part][0] < item[0]:
            known[part] = item


def after(known: News) -> NetworkState:
    """Return the state of the network by all that is known."""
    sets: dict[str, set[Any]] = {kind: set() for kind in _SETS}
    costs = {}
    for (kind, name), (_, value) in known.items():
        if kind == "costs" and value is not None:
            costs[name] = value
        elif kind in sets and value:
            sets[kind].add(name)
    frozen = {kind: frozenset(members) for kind, members in sets.items()}
    return NetworkState(costs=MappingProxyType(costs), **frozen)


class Flood:
    """Tells how the news of a difference between two states of one network spreads."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    def hops(
        self, before: NetworkState, now: NetworkState, through: NetworkState
    ) -> dict[str, int]:
        """Return how many hops the news travels to each node that it reaches.

        They are of what turned *before* into *now*, and travel as far as the network is there
        (*through*). Who is beside a fault, or did something itself, has none to go.
        """
        origins = {*self._beside_faults(before, now), *_doers(before, now)} - through.dead
        return self._outward(origins, Graph.joined(self._wiring, through))

    def _beside_faults(self, before: NetworkState, now: NetworkState) -> Iterator[str]:
        """Yield what died or came back, and who is beside it or beside what was cut or mended."""
        turned, cut = before.dead ^ now.dead, before.cut ^ now.cut
        yield from turned
        network = self._wiring.network
        for link in network.links:
            ends = {link.a.node, link.b.node}
            if link.name in cut or not ends.isdisjoint(turned):
                yield from ends
        for lan in network.lans:
            ports = {port.node for port in lan.ports}
            if not ports.isdisjoint(turned) or any(f"{lan.name}:{port}" in cut for port in ports):
                yield from ports

    def _outward(self, origins: Iterable[str], graph: Graph) -> dict[str, int]:
        names, forwards = self._wiring.names, self._wiring.forwards
        at = {self._wiring.number[name] for name in origins}
        hops, distance = dict.fromkeys(at, 0), 0
        while at:
            senders = [u for u in at if forwards[u] or not distance]
            distance += 1
            at = {v for u in senders for v in _beside(graph, u)} - hops.keys()
            hops.update(dict.fromkeys(at, distance))
        return {names[number]: away for number, away in hops.items()}


def _doers(before: NetworkState, now: NetworkState) -> Iterator[str]:
    """Yield who changed a cost, has withdrawn or announces again."""
    for pair in {*before.costs, *now.costs}:
        if before.costs.get(pair) != now.costs.get(pair):
            yield from pair
    for _, node in before.withdrawn ^ now.withdrawn:
        yield node


def _beside(graph: Graph, number: int) -> Iterator[int]:
    """Yield the nodes one hop away, over a link or a LAN."""
    nodes = len(graph.wiring.names)
    for vertex, _, _ in graph.out[number]:
        if vertex < nodes:
            yield vertex
        else:
            yield from (port for port, _, _ in graph.out[vertex])
