"""How a node's routes are written where several next hops are equally near.

Classic: one multipath route, which the kernel cuts into as many equal ranges of hashes as it has
hops; when a hop goes or comes, all ranges shift and flows between others move too. Resilient: a
group of next hops for each such prefix, which lives as long as the prefix is reachable and is
replaced in place, so that only the flows of the hop that went move.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from anycastlab.kernel import nexthops
from anycastlab.lab import wiring
from anycastlab.routing.table import Hop, Hops, Prefix
from anycastlab.topology.network import Network, Node

_FIRST_GROUP = 1 << 16
"""Hops are numbered from 1 on, groups from here on: a node has fewer interfaces."""


class RouteWriter(Protocol):
    """Makes the messages for the routes of one node."""

    def put(self, routes: Mapping[Prefix, Hops]) -> list[bytes]:
        """Add routes, or replace them."""
        ...

    def withdraw(self, prefixes: Sequence[Prefix]) -> list[bytes]:
        """Take routes away; some may be gone already."""
        ...


def writers(network: Network) -> dict[str, RouteWriter]:
    """One writer for each node, as the network's `routing: {multipath: ...}` has it."""
    resilient = network.routing.multipath.resilient
    return {
        name: ResilientRoutes(node) if resilient and node.forwards else ClassicRoutes(node)
        for name, node in network.nodes.items()
    }


class ClassicRoutes:
    """Every route by itself, with all its next hops in it."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def put(self, routes: Mapping[Prefix, Hops]) -> list[bytes]:
        """Add routes, or replace them."""
        return wiring.route_messages(self._node, routes.items())

    def withdraw(self, prefixes: Sequence[Prefix]) -> list[bytes]:
        """Take routes away."""
        return wiring.withdrawal_messages(prefixes)


class ResilientRoutes:
    """A resilient group for each prefix that has had several next hops.

    The kernel takes a hop out of all groups when its interface loses the carrier, and deletes a
    group that has no hop left. So whatever a group needs is written again with it.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._hops: dict[Hop, int] = {}
        self._groups: dict[Prefix, int] = {}
        self._next_group = _FIRST_GROUP

    def put(self, routes: Mapping[Prefix, Hops]) -> list[bytes]:
        """Add routes, or replace them: first the hops, then the groups of them, then the routes."""
        grouped = {
            prefix: hops
            for prefix, hops in routes.items()
            if len(hops) > 1 or prefix in self._groups
        }
        plain = [(prefix, hops) for prefix, hops in routes.items() if prefix not in grouped]
        used = dict.fromkeys(hop for hops in grouped.values() for hop in hops)
        found = [nexthops.hop(self._number(hop), *hop) for hop in used]
        for prefix, hops in grouped.items():
            numbers = [self._number(hop) for hop in hops]
            found.append(nexthops.resilient_group(self._group(prefix), numbers))
        found += [self._route(prefix) for prefix in grouped]
        return found + wiring.route_messages(self._node, plain)

    def withdraw(self, prefixes: Sequence[Prefix]) -> list[bytes]:
        """Take routes away, and their groups."""
        groups = [self._groups.pop(prefix) for prefix in prefixes if prefix in self._groups]
        return wiring.withdrawal_messages(prefixes) + [nexthops.delete(group) for group in groups]

    def _number(self, hop: Hop) -> int:
        return self._hops.setdefault(hop, len(self._hops) + 1)

    def _group(self, prefix: Prefix) -> int:
        if prefix not in self._groups:
            self._groups[prefix] = self._next_group
            self._next_group += 1
        return self._groups[prefix]

    def _route(self, prefix: Prefix) -> bytes:
        address, length = prefix
        own = self._node.ipv4 if len(address) == 4 else self._node.ipv6
        return nexthops.route(address, length, self._groups[prefix], own.packed)
