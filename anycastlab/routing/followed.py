"""Where packets end by the tables themselves, for addresses that shortest paths alone do not tell.

That is an address of two registries, whose members all draw packets; one of a LAN's own prefix,
which leads to the nearest router of that LAN and on by Neighbour Discovery; and every address where
borders aggregate or filter: the longest match wins, however far it leads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from anycastlab.routing.destinations import holders
from anycastlab.routing.forwarding import forwarding
from anycastlab.routing.state import INTACT, NetworkState
from anycastlab.routing.table import DISCARD, Hops, Prefix, Table
from anycastlab.topology.network import Address, Family, Lan, Network

Kind = tuple[object, ...]
"""Addresses of one kind are led alike by every table."""


class End(NamedTuple):
    """The instances that packets reach, sorted, and the distance to the nearest; None without."""

    instances: tuple[str, ...]
    distance: int | None


def families_agree(network: Network) -> bool:
    """Whether a group is reached at the same instances in both families."""
    return not _special(network)


def follow(
    network: Network,
    state: NetworkState = INTACT,
    group: str | None = None,
    family: Family | None = None,
) -> dict[tuple[str, str], End]:
    """Return the end for every client and special group, over all addresses (of one family)."""
    special = [name for name in _special(network) if group in (None, name)]
    if not special:
        return {}
    walker = _Walker(network, state)
    clients = [name for name in network.role("client") if name not in state.dead]
    found = {(client, name): End((), None) for client in network.role("client") for name in special}
    known: dict[tuple[str, Kind], End] = {}
    for name in special:
        for address in network.groups[name].addresses:
            if family in (None, address.version):
                kind = walker.kind(address)
                for client in clients:
                    if (client, kind) not in known:
                        known[client, kind] = _joined(walker.ends(client, address))
                    found[client, name] = _joined([found[client, name], known[client, kind]])
    return found


def _special(network: Network) -> list[str]:
    owners, policed = holders(network), network.routing.policed
    return [
        group.name
        for group in network.groups.values()
        if policed or group.on_link or any(len(owners[address]) > 1 for address in group.addresses)
    ]


def _joined(ends: Iterable[End]) -> End:
    ends = list(ends)
    names = {name for end in ends for name in end.instances}
    reached = [end.distance for end in ends if end.distance is not None]
    return End(tuple(sorted(names)), min(reached, default=None))


class _Walker:
    """Goes from node to node by the tables of one state."""

    def __init__(self, network: Network, state: NetworkState) -> None:
        self._network, self._state = network, state
        self._tables = forwarding(network, state)
        self._lengths = {name: _lengths(table) for name, table in self._tables.items()}
        self._groups = holders(network)
        self._holders = {
            address: frozenset(_holders_of(network, state, address, groups))
            for address, groups in self._groups.items()
        }
        self._on_link = {
            address: lan
            for group in network.groups.values()
            for address, lan in group.on_link.items()
        }
        self._lans = {lan.name: lan for lan in network.lans}
        self._owner = {
            packed: (port.node, port.segment)
            for node in network.nodes.values()
            for port in node.interfaces
            for packed in (port.ipv4.packed, port.ipv6.packed)
        }
        self._costs = dict(_costs(network, state))

    def kind(self, address: Address) -> Kind:
        """Return what the tables may tell an address by."""
        serving = frozenset(
            member
            for group in self._groups[address]
            for member in self._network.groups[group].instances
            if (group, member) not in self._state.withdrawn
        )
        covering = (one.prefix for one in self._network.routing.aggregates if address in one.prefix)
        lan = self._on_link.get(address)
        return address.version, serving, self._holders[address], lan, *covering

    def ends(self, client: str, address: Address) -> Iterator[End]:
        """Yield where packets from a client to an address end, over all branches."""
        pending, seen = [(client, 0)], set()
        while pending:
            node, distance = pending.pop()
            if node in self._holders[address]:
                yield End((node,), distance)
            elif node not in seen and (node == client or self._network.nodes[node].forwards):
                seen.add(node)
                lan = self._lans.get(self._on_link.get(address, ""))
                if lan and node in (ports := self._ports(lan)):
                    near = self._holders[address] & ports
                    yield End(tuple(near), distance + lan.cost if near else None)
                    continue
                for _, gateway in self._lookup(node, address.packed):
                    peer, segment = self._owner[gateway]
                    pending.append((peer, distance + self._costs[segment, node]))

    def _ports(self, lan: Lan) -> set[str]:
        """The nodes on a LAN that live and are plugged in."""
        dead, cut = self._state.dead, self._state.cut
        names = (port.node for port in lan.ports)
        return {name for name in names if name not in dead and f"{lan.name}:{name}" not in cut}

    def _lookup(self, node: str, address: bytes) -> Hops:
        """Return the next hops of the longest prefix that matches."""
        table = self._tables.get(node, {})
        bits, number = 8 * len(address), int.from_bytes(address, "big")
        for length in self._lengths.get(node, {}).get(len(address), ()):
            spare = bits - length
            hops = table.get(Prefix((number >> spare << spare).to_bytes(bits // 8, "big"), length))
            if hops is not None:
                return () if hops is DISCARD else hops
        return ()


def _holders_of(
    network: Network, state: NetworkState, address: Address, groups: Iterable[str]
) -> Iterator[str]:
    """Yield who has an address: who withdraws gives up one of a LAN's, and keeps any other."""
    for name in groups:
        group = network.groups[name]
        for member in group.instances:
            if address not in group.given_up or (name, member) not in state.withdrawn:
                yield member


def _lengths(table: Table) -> Mapping[int, list[int]]:
    """Return the lengths of a table's prefixes for each address size, the longest first."""
    found: dict[int, set[int]] = {4: set(), 16: set()}
    for address, length in table:
        found[len(address)].add(length)
    return {size: sorted(lengths, reverse=True) for size, lengths in found.items()}


def _costs(network: Network, state: NetworkState) -> Iterator[tuple[tuple[str, str], int]]:
    """Yield what it costs to leave a node over a segment."""
    for link in network.links:
        a, b = link.a.node, link.b.node
        yield (link.name, a), state.costs.get((a, b), link.cost)
        yield (link.name, b), state.costs.get((b, a), link.cost_back)
    for lan in network.lans:
        for port in lan.ports:
            yield (lan.name, port.node), lan.cost
