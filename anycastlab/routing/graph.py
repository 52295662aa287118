"""The network as integers: who may send to whom, at what cost, by which of its next hops.

A vertex is a node (numbered in file order) or, after all nodes, a LAN: as in OSPF (RFC 2328,
section 2.1.2, transit networks) a shared segment is a vertex of its own, so that a LAN of *k* ports
has 2k edges and not k². Sending onto a LAN costs the LAN's cost, leaving it towards a port nothing.

A node's possible next hops are its *slots*: for each interface in file order one slot for every
node at the far end (a LAN's own port keeps a slot that is never used). A set of next hops is an
integer with one bit for each slot: sets compare and join at the speed of small integers, and their
order is that of the interfaces.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeAlias

from anycastlab.routing.state import INTACT, NetworkState
from anycastlab.routing.table import Hop, Hops
from anycastlab.topology.network import Interface, Lan, Network

Edge: TypeAlias = tuple[int, int, int]
"""The vertex at the other end, the cost, and the bit of the sender's next hop."""

Targets: TypeAlias = frozenset[int]


class Way(NamedTuple):
    """One direction of a link: both ends by name and by number, the cost, the bit of the hop."""

    link: str
    sender: str
    receiver: str
    u: int
    v: int
    cost: int
    bit: int


class Wiring:
    """What no fault changes: the numbers of nodes, the slots and the addresses behind them."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.names = tuple(network.nodes)
        self.number = {name: number for number, name in enumerate(self.names)}
        self.forwards = [node.forwards for node in network.nodes.values()]
        self.forwards += [True] * len(network.lans)
        self._peers: dict[int, tuple[Interface, ...]] = {}
        for link in network.links:
            self._peers[link.a.index], self._peers[link.b.index] = (link.b,), (link.a,)
        for lan in network.lans:
            self._peers.update((port.index, lan.ports) for port in lan.ports)
        self.first_slot = self._number_slots()
        self.access = {
            number: router
            for number in range(len(self.names))
            if (router := self._access_router(number)) is not None
        }
        self.ways = [
            Way(
                link.name,
                near.node,
                far.node,
                self.number[near.node],
                self.number[far.node],
                cost,
                self.bit(near),
            )
            for link in network.links
            for near, far, cost in ((link.a, link.b, link.cost), (link.b, link.a, link.cost_back))
        ]
        self.speakers = frozenset(network.speakers())
        self._hops: list[dict[int, tuple[Hops, Hops]]] = [{} for _ in self.names]

    def _number_slots(self) -> dict[int, int]:
        """Return the first slot of every interface, by the interface's index."""
        first_slot = {}
        for node in self.network.nodes.values():
            slot = 0
            for interface in node.interfaces:
                first_slot[interface.index] = slot
                slot += len(self._peers[interface.index])
        return first_slot

    def _access_router(self, number: int) -> int | None:
        """Return the router at the only interface of a host, unless that interface is on a LAN.

        Such a host is a leaf: whatever way leads to its router leads to it, and nothing leads on.
        The search leaves leaves out.
        """
        node = self.network.nodes[self.names[number]]
        if node.forwards or len(node.interfaces) != 1:
            return None
        peers = self._peers[node.interfaces[0].index]
        router = self.number[peers[0].node]
        return router if len(peers) == 1 and self.forwards[router] else None

    def routers_beside(self, number: int) -> Iterator[int]:
        """Yield the routers that share a segment with a node in the network as written."""
        for interface in self.network.nodes[self.names[number]].interfaces:
            for peer in self._peers[interface.index]:
                router = self.number[peer.node]
                if router != number and self.forwards[router]:
                    yield router

    @cached_property
    def ways_at(self) -> list[list[int]]:
        """For every node the places in ``ways`` of those that begin or end there."""
        found: list[list[int]] = [[] for _ in self.names]
        for place, way in enumerate(self.ways):
            found[way.u].append(place)
            found[way.v].append(place)
        return found

    def between(self, old: NetworkState, new: NetworkState) -> set[int]:
        """Return the nodes with links that are not in both states the same."""
        costs = {ends for ends, _ in old.costs.items() ^ new.costs.items()}
        cut, dead = old.cut ^ new.cut, old.dead ^ new.dead
        changed = {self.number[name] for ends in costs for name in ends}
        for name in dead:
            changed.update(v for at in self.ways_at[self.number[name]] for v in self.ways[at][3:5])
        if cut:
            changed.update(v for way in self.ways if way.link in cut for v in (way.u, way.v))
        return changed

    def known(self, sender: str, u: int, receiver: str, mute: Container[str]) -> bool:
        """Whether a sender, of number *u*, knows a way to its neighbour when some are mute.

        Speakers hear of a neighbour by its daemon; hosts that do not speak have their routes from
        the lab. A mute router has no routes; a mute host has its static default still.
        """
        if receiver in mute:
            return sender not in self.speakers
        return not (sender in mute and self.forwards[u])

    def bit(self, interface: Interface) -> int:
        """Return the bit of an interface's first slot."""
        return 1 << self.first_slot[interface.index]

    def hops(self, number: int, mask: int) -> tuple[Hops, Hops]:
        """Return a node's set of next hops as IPv4 and as IPv6 hops; equal sets are one object."""
        known = self._hops[number]
        if mask not in known:
            pairs = [
                (interface.index, peer.ipv4.packed, peer.ipv6.packed)
                for interface in self.network.nodes[self.names[number]].interfaces
                for slot, peer in enumerate(
                    self._peers[interface.index], self.first_slot[interface.index]
                )
                if mask >> slot & 1
            ]
            known[mask] = (
                tuple(Hop(index, ipv4) for index, ipv4, _ in pairs),
                tuple(Hop(index, ipv6) for index, _, ipv6 in pairs),
            )
        return known[mask]


@dataclass(frozen=True, slots=True)
class Graph:
    """What is left of the wiring in one state of the network.

    ``out[v]`` holds an edge to every vertex that *v* may send to; ``into[v]`` one from every vertex
    that may send to *v*, leaves left out. ``links`` names the links that carry packets.
    """

    wiring: Wiring
    state: NetworkState
    out: list[list[Edge]]
    into: list[list[Edge]]
    links: set[str]

    @classmethod
    def of(cls, network: Network, state: NetworkState = INTACT) -> Graph:
        """Number the network's nodes and join those that live and are not cut off."""
        return cls.joined(Wiring(network), state)

    @classmethod
    def joined(cls, wiring: Wiring, state: NetworkState) -> Graph:
        """Join the vertices of a wiring by the edges that are left in this state."""
        out: list[list[Edge]] = [[] for _ in wiring.forwards]
        into: list[list[Edge]] = [[] for _ in wiring.forwards]
        graph = cls(wiring, state, out, into, set())
        graph._join(wiring.ways, range(len(wiring.names)))
        for vertex, lan in enumerate(wiring.network.lans, len(wiring.names)):
            graph._join_lan(vertex, lan)
        return graph

    def moved(self, state: NetworkState) -> Graph:
        """Return the graph of another state; both share the edges of nodes that keep theirs."""
        wiring = self.wiring
        if wiring.network.lans or self.state.mute != state.mute:
            return Graph.joined(wiring, state)
        graph = Graph(wiring, state, self.out.copy(), self.into.copy(), self.links.copy())
        changed = wiring.between(self.state, state)
        for vertex in changed:
            graph.out[vertex], graph.into[vertex] = [], []
        places = sorted({place for vertex in changed for place in wiring.ways_at[vertex]})
        ways = [wiring.ways[place] for place in places]
        graph.links.difference_update(way.link for way in ways)
        graph._join(ways, changed)
        return graph

    def _join(self, ways: Iterable[Way], vertices: Container[int]) -> None:
        """Give these vertices their edges, out of all ways that begin or end there."""
        state, out, into, access = self.state, self.out, self.into, self.wiring.access
        dead, cut, costs, mute = state.dead, state.cut, state.costs, state.mute
        for link, sender, receiver, u, v, cost, bit in ways:
            if link not in cut and sender not in dead and receiver not in dead:
                self.links.add(link)
                if mute and not self.wiring.known(sender, u, receiver, mute):
                    continue
                if costs:
                    cost = costs.get((sender, receiver), cost)
                if u in vertices:
                    out[u].append((v, cost, bit))
                if v in vertices and u not in access:
                    into[v].append((u, cost, bit))

    def _join_lan(self, vertex: int, lan: Lan) -> None:
        for place, port in enumerate(lan.ports):
            if port.node in self.state.dead or f"{lan.name}:{port.node}" in self.state.cut:
                continue
            v, bit = self.wiring.number[port.node], self.wiring.bit(port)
            mute = port.node in self.state.mute
            if not (mute and self.wiring.forwards[v]):
                self.out[v].append((vertex, 0, bit))
                self.into[vertex].append((v, 0, bit))
            if mute:
                continue
            # Entering pays, so a LAN's next hops are all known before its ports ask for them.
            self.out[vertex].append((v, lan.cost, 1 << place))
            self.into[v].append((vertex, lan.cost, 1 << place))

    def lives(self, name: str) -> bool:
        """Whether a node is alive."""
        return name not in self.state.dead

    def living(self, names: Iterable[str]) -> Targets:
        """Return the numbers of those nodes that are alive."""
        return frozenset(self.wiring.number[name] for name in names if self.lives(name))

    def serving(self, group: str) -> Targets:
        """Return the numbers of a group's members that live and have not withdrawn."""
        withdrawn, members = self.state.withdrawn, self.wiring.network.groups[group].instances
        return self.living(name for name in members if (group, name) not in withdrawn)
