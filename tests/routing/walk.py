"""Follow forwarding tables hop by hop, as packets do."""

from __future__ import annotations

from collections.abc import Mapping

from anycastlab.routing.table import Hops, Table
from anycastlab.topology.network import Address, Network


def lookup(table: Table, address: bytes) -> Hops:
    """Return the next hops of the longest prefix that matches; () without any."""
    best, found = -1, ()
    for prefix, hops in table.items():
        spare = 8 * len(address) - prefix.length
        same = len(prefix.address) == len(address) and (
            int.from_bytes(prefix.address, "big") >> spare
            == int.from_bytes(address, "big") >> spare
        )
        if same and prefix.length > best:
            best, found = prefix.length, hops
    return found


def arrivals(
    network: Network, tables: Mapping[str, Table], source: str, address: Address, ends: set[str]
) -> set[str]:
    """Return the nodes where packets from a source end, over all branches; fail on a loop.

    Packets end at one of ``ends``, at a host, or where there is no route.
    """
    owners = {
        packed: (interface.node, interface.segment)
        for node in network.nodes.values()
        for interface in node.interfaces
        for packed in (interface.ipv4.packed, interface.ipv6.packed)
    }
    segments = {i.index: i.segment for node in network.nodes.values() for i in node.interfaces}
    arrived: set[str] = set()

    def follow(node: str, path: tuple[str, ...]) -> None:
        assert node not in path, f"a loop: {path} and again {node}"
        hops = lookup(tables.get(node, {}), address.packed)
        if node in ends or not hops or (path and not network.nodes[node].forwards):
            arrived.add(node)
            return
        for hop in hops:
            next_node, segment = owners[hop.gateway]
            assert segment == segments[hop.interface]
            follow(next_node, (*path, node))

    follow(source, ())
    return arrived
