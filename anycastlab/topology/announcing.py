"""How the network learns of a member: from the file, from the member's daemon, from its agent.

An agent tells the routers beside it, in a message that carries one address: so a group whose
members announce by agents has one address, of the family the agent's protocol is for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Literal, get_args

from anycastlab.topology.network import Family, Interface, Network

Announce = Literal["static", "rip", "ospf", "bgp", "babel", "exabgp", "mld", "igmp", "nd"]
ANNOUNCE: tuple[str, ...] = get_args(Announce)

BY_DAEMON = frozenset({"rip", "ospf", "bgp", "babel"})
"""The member's own routing daemon tells its neighbours."""

BY_AGENT: Mapping[str, Family] = MappingProxyType({"mld": 6, "igmp": 4, "nd": 6})
"""A host agent and the routers' agents see to it; the family of the addresses they speak of."""

Membership = tuple[str, str]
"""A group and a member."""


def by_agent(network: Network) -> frozenset[Membership]:
    """Return the memberships that agents announce: no route leads there before they do."""
    return frozenset(
        (group.name, member.node)
        for group in network.groups.values()
        for member in group.members
        if member.announce in BY_AGENT
    )


def segments(network: Network) -> Iterator[tuple[Interface, ...]]:
    """Yield the ends of every link and the ports of every LAN."""
    yield from ((link.a, link.b) for link in network.links)
    yield from (lan.ports for lan in network.lans)


def neighbours(network: Network, node: str) -> Iterator[tuple[Interface, Interface]]:
    """Yield each interface of a node with each interface at its far end."""
    for ends in segments(network):
        for here in ends:
            if here.node == node:
                yield from ((here, there) for there in ends if there is not here)
