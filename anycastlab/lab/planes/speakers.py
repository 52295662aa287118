"""Who runs a daemon and whom it speaks to, whatever the daemon and the protocol.

Routers, servers and members speak; two of them are neighbours when they share a segment and one of
them forwards. Whoever does not speak is reached by static routes of the routers beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from anycastlab.routing.state import NetworkState
from anycastlab.topology.announcing import by_agent
from anycastlab.topology.network import Address, Interface, Network, Node

FIRST_PRIVATE_AS = 4_200_000_000
"""RFC 6996."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A node at the far end of a segment, and its interface there."""

    node: Node
    interface: Interface
    asn: int


@dataclass(frozen=True, slots=True)
class Port:
    """An interface of a speaker, the costs to send (``cost``) and to receive (``cost_back``).

    ``joined``: members beside it may join by agents, whose routes the daemon then finds in the
    kernel.
    """

    interface: Interface
    shared: bool
    cost: int
    cost_back: int
    neighbours: tuple[Neighbour, ...]
    silent: tuple[Neighbour, ...]
    joined: bool = False


@dataclass(frozen=True, slots=True)
class Speaker:
    """A node that runs a daemon; of the service addresses it holds it announces ``services``."""

    node: Node
    asn: int
    ports: tuple[Port, ...]
    services: tuple[Address, ...]
    withdrawn: tuple[Address, ...] = ()

    @property
    def own(self) -> tuple[Address, Address]:
        """Its own addresses, IPv4 and IPv6."""
        return self.node.ipv4, self.node.ipv6


class Speakers:
    """The speakers of a network by name, and what each has to know in a given state."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._asn = {name: FIRST_PRIVATE_AS + at for at, name in enumerate(network.nodes, 1)}
        self.names = network.speakers()
        self._by_agent = by_agent(network)
        self._agents = {member for _, member in self._by_agent}
        self._links = {end.index: link for link in network.links for end in (link.a, link.b)}
        self._lans = {port.index: lan for lan in network.lans for port in lan.ports}

    def speaker(self, name: str, state: NetworkState) -> Speaker:
        """Describe one speaker, with the costs and the withdrawals of *state*."""
        node = self._network.nodes[name]
        services: dict[bool, list[Address]] = {True: [], False: []}
        for group in self._network.groups.values():
            if name in group.instances and (group.name, name) not in self._by_agent:
                known = [one for one in group.addresses if one not in group.formal]
                services[(group.name, name) in state.withdrawn].extend(known)
        ports = tuple(self._port(node, interface, state) for interface in node.interfaces)
        return Speaker(node, self._asn[name], ports, tuple(services[False]), tuple(services[True]))

    def _port(self, node: Node, interface: Interface, state: NetworkState) -> Port:
        far = list(self._far(interface))
        known = [n for n in far if n.node.name in self.names]
        return Port(
            interface,
            interface.index in self._lans,
            *self._costs(interface, state),
            tuple(n for n in known if n.node.forwards or node.forwards),
            tuple(n for n in far if n.node.name not in self.names) if node.forwards else (),
            node.forwards and any(n.node.name in self._agents for n in far),
        )

    def _far(self, interface: Interface) -> Iterator[Neighbour]:
        if interface.index in self._lans:
            ends = self._lans[interface.index].ports
        else:
            link = self._links[interface.index]
            ends = (link.a, link.b)
        for end in ends:
            if end.index != interface.index:
                yield Neighbour(self._network.nodes[end.node], end, self._asn[end.node])

    def _costs(self, interface: Interface, state: NetworkState) -> tuple[int, int]:
        if interface.index in self._lans:
            cost = self._lans[interface.index].cost
            return cost, cost
        link = self._links[interface.index]
        there = state.costs.get((link.a.node, link.b.node), link.cost)
        back = state.costs.get((link.b.node, link.a.node), link.cost_back)
        return (there, back) if interface.index == link.a.index else (back, there)
