"""The network as a routing protocol sees it: its metric, and how far it carries a route.

RIP counts hops (RFC 2453, section 3.5), BGP the length of the AS path where, as here, each node is
an AS of its own (RFC 4271, section 9.1.2.2); OSPF adds up the costs as written, and so does Babel,
whose cost of receiving over a link is the link's cost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from anycastlab.routing.catchment import distances, predict
from anycastlab.routing.destinations import Destination, Loopback, Service
from anycastlab.routing.graph import Graph, Wiring
from anycastlab.routing.spf import UNREACHABLE, shortest_paths
from anycastlab.routing.state import INTACT, NetworkState
from anycastlab.routing.table import Prefix
from anycastlab.topology.network import Family, Network
from anycastlab.topology.routing_models import protocol_of

_COUNT_HOPS = frozenset({"rip", "bgp"})

_FARTHEST: Mapping[str, int] = MappingProxyType({"rip": 14, "babel": 0xFFFE})
"""The greatest distance from a router to an instance: RIP announces it as 1, and 16 is infinity;
Babel announces 0, and infinity is 65535 (RFC 8966, section 2.1)."""


def as_seen(network: Network, state: NetworkState = INTACT) -> tuple[Network, NetworkState]:
    """Return network and state with the costs the network's own control plane reckons with."""
    if protocol_of(network.routing) not in _COUNT_HOPS:
        return network, state
    links = tuple(replace(link, cost=1, cost_back=1) for link in network.links)
    lans = tuple(replace(lan, cost=1) for lan in network.lans)
    return replace(network, links=links, lans=lans), replace(state, costs=INTACT.costs)


def predict_as_seen(
    network: Network, state: NetworkState = INTACT, family: Family | None = None
) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the catchment under the network's own control plane, as :func:`.predict` does."""
    seen = as_seen(network, state)
    graph, farthest = Graph.of(*seen), _farthest(network)
    predicted = predict(*seen, family=family)
    if farthest >= _longest_possible(graph):
        return predicted
    far = {
        (client, group)
        for (client, group), distance in distances(*seen).items()
        if distance is not None and distance - _first_cost(graph, client) > farthest
    }
    return {place: () if place in far else near for place, near in predicted.items()}


def _first_cost(graph: Graph, client: str) -> int:
    """Return what it costs a client, which hears no routes, to reach its router."""
    nodes = len(graph.wiring.names)
    lans = graph.wiring.network.lans
    edges = graph.out[graph.wiring.number[client]]
    return min(lans[v - nodes].cost if v >= nodes else cost for v, cost, _ in edges)


def _farthest(network: Network) -> int:
    return _FARTHEST.get(protocol_of(network.routing) or "", UNREACHABLE)


def beyond_horizon(network: Network, state: NetworkState = INTACT) -> dict[str, frozenset[Prefix]]:
    """Return, for each router, the host prefixes its protocol does not carry as far as to it."""
    graph, farthest = Graph.of(*as_seen(network, state)), _farthest(network)
    wiring = graph.wiring
    if farthest >= _longest_possible(graph):
        return {}
    beyond: dict[str, set[Prefix]] = {}
    for destination in _hosts(wiring):
        tree = shortest_paths(graph, destination.aim(graph).targets)
        for number, name in enumerate(wiring.names):
            if wiring.forwards[number] and farthest < tree.distances[number] < UNREACHABLE:
                beyond.setdefault(name, set()).update(destination.prefixes)
    return {name: frozenset(prefixes) for name, prefixes in beyond.items()}


def _longest_possible(graph: Graph) -> int:
    """A bound of every distance: no shortest path comes to a vertex twice."""
    return sum(max((cost for _, cost, _ in edges), default=0) for edges in graph.out)


def _hosts(wiring: Wiring) -> Iterator[Destination]:
    yield from Service.all(wiring.network)
    for number in range(len(wiring.names)):
        yield Loopback.of(wiring, number)
