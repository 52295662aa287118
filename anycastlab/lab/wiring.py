"""A network's nodes and links as netlink messages. Pure: nothing is sent here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from anycastlab.kernel import held_addresses, messages, neighbour_tables
from anycastlab.kernel.discard import discard
from anycastlab.routing.table import DISCARD, Hops, Prefix, Table
from anycastlab.topology.neighbour import Neighbour
from anycastlab.topology.network import Address, Group, Interface, Lan, Link, Network, Node

BRIDGE = "bridge"
"""The bridge's name in a LAN's own namespace."""
USUAL_MTU = 1500
"""Bytes: what a veth has by itself."""
_BRIDGE_INDEX = 1 << 24
"""Above the fallback tunnels that many kernels make in every new namespace."""
_PORT_INDEX = _BRIDGE_INDEX
"""A LAN's side of a port has the index of the node's side plus this, which is never 0."""


def lan_namespace(lan: Lan) -> str:
    """The key of the namespace a LAN's bridge lives in; no node can have this name."""
    return f"lan.{lan.name}"


def namespaces(network: Network) -> list[str]:
    """All namespaces of the lab: the nodes, then the LANs."""
    return [*network.nodes, *(lan_namespace(lan) for lan in network.lans)]


def link_veth(link: Link, descriptors: Mapping[str, int]) -> bytes:
    """The veth pair of a link, its first end up."""
    return messages.veth(_end(link.a, descriptors), _end(link.b, descriptors))


def _end(interface: Interface, descriptors: Mapping[str, int]) -> tuple[int, str, bytes, int]:
    return interface.index, interface.name, interface.mac, descriptors[interface.node]


def bridge_messages() -> list[bytes]:
    """What makes a LAN's namespace a switch."""
    return [messages.link_up(messages.LOOPBACK), messages.bridge(BRIDGE, _BRIDGE_INDEX)]


def port_veth(lan: Lan, port: Interface, descriptors: Mapping[str, int]) -> bytes:
    """The veth pair between a node and its LAN, the node's end up."""
    index = port_index(port)
    mac = b"\x02\x01" + port.index.to_bytes(4, "big")
    outer = (index, port_name(port), mac, descriptors[lan_namespace(lan)])
    return messages.veth(_end(port, descriptors), outer)


def port_index(port: Interface) -> int:
    """The index of the LAN's side of a port."""
    return port.index + _PORT_INDEX


def port_name(port: Interface) -> str:
    """The name of the LAN's side of a port: the node's, as far as it fits."""
    if len(port.node) <= 15:
        return port.node
    return f"{port.node[:9]}-{port.index % 100_000}"


def port_messages(port: Interface) -> list[bytes]:
    """What plugs the LAN's side of a port into the bridge."""
    index = port_index(port)
    return [messages.enslave(index, _BRIDGE_INDEX), messages.link_up(index)]


def link_end_messages(end: Interface, peer: Interface, mtu: int = USUAL_MTU) -> list[bytes]:
    """One end of a link: up, its addresses, its one neighbour for good."""
    index = end.index
    return [
        *([messages.set_mtu(index, mtu)] if mtu != USUAL_MTU else []),
        messages.link_up(index),
        messages.address(index, end.ipv4.packed, end.ipv4.network.prefixlen),
        messages.address(index, end.ipv6.packed, end.ipv6.network.prefixlen),
        messages.neighbour(index, peer.ipv4.packed, peer.mac),
        messages.neighbour(index, peer.ipv6.packed, peer.mac),
    ]


def lan_end_messages(port: Interface, neighbour: Neighbour) -> list[bytes]:
    """A node's end of a LAN port: up, and its addresses; neighbours are found by ARP and ND."""
    return [
        *_timers(port.index, neighbour),
        messages.link_up(port.index),
        messages.address(port.index, port.ipv4.packed, port.ipv4.network.prefixlen),
        messages.address(port.index, port.ipv6.packed, port.ipv6.network.prefixlen),
    ]


def _timers(index: int, neighbour: Neighbour) -> list[bytes]:
    times = {
        name: seconds
        for name in neighbour_tables.TIMES
        if (seconds := getattr(neighbour, name)) is not None
    }
    return neighbour_tables.timers(index, times, neighbour.probes)


def loopback_messages(node: Node, network: Network) -> list[bytes]:
    """`lo`: up, the node's own addresses, then the service addresses it holds."""
    lo = messages.LOOPBACK
    own = _on_loopback(node, network)
    return [
        messages.link_up(lo),
        *(messages.address(lo, one.packed, one.max_prefixlen) for one in own),
    ]


def _on_loopback(node: Node, network: Network) -> list[Address]:
    services = [
        service
        for group in network.groups.values()
        if node.name in group.instances
        for service in group.addresses
        # see anycastlab.kernel.anycast, and on_link_messages
        if service not in group.formal and service not in group.on_link
    ]
    return [node.ipv4, node.ipv6, *services]


def last_address(node: Node, network: Network) -> Address:
    """The last IPv6 address on a node's `lo`: the kernel sets them up one after the other."""
    return [one for one in _on_loopback(node, network) if one.version == 6][-1]


def on_link_messages(node: Node, network: Network) -> list[bytes]:
    """The addresses of LANs that a node holds for its groups; its ports must be up."""
    groups = [
        group for group in network.groups.values() if group.on_link and node.name in group.instances
    ]
    return [one for group in groups for one in given_up_messages(node, group, True)]


def given_up_messages(node: Node, group: Group, held: bool) -> list[bytes]:
    """Put a group's addresses of a LAN on a member, or take them away; formal ones are joined."""
    put = held_addresses.hold if held else held_addresses.give_up
    wanted = [one for one in group.given_up if one not in group.formal]
    return [put(_holder(node, group, one), one.packed) for one in wanted]


def _holder(node: Node, group: Group, service: Address) -> int:
    """The interface that has a service address of a LAN.

    IPv4 answers ARP for what `lo` has; IPv6 solicitations only for what the port itself has.
    """
    if service.version == 4:
        return messages.LOOPBACK
    lan = group.on_link[service]
    return next(port.index for port in node.interfaces if port.segment == lan)


def table_messages(node: Node, table: Table) -> list[bytes]:
    """A whole forwarding table."""
    return route_messages(node, table.items())


def route_messages(node: Node, routes: Iterable[tuple[Prefix, Hops]]) -> list[bytes]:
    """Routes to add or to replace; what the node sends carries its loopback address."""
    source = {4: node.ipv4.packed, 16: node.ipv6.packed}
    around: dict[tuple[int, Hops], tuple[bytes, bytes]] = {}
    found = []
    for (address, length), hops in routes:
        if hops == DISCARD:
            found.append(discard(address, length))
            continue
        own = source[len(address)]
        if not length:
            found.append(messages.route(address, length, hops, own))
            continue
        if (length, hops) not in around:
            family = messages.family_of(address)
            around[length, hops] = messages.around_destination(family, length, hops, own)
        before, after = around[length, hops]
        found.append(before + address + after)
    return found


def withdrawal_messages(prefixes: Iterable[Prefix]) -> list[bytes]:
    """Routes to take away."""
    return [messages.delete_route(address, length) for address, length in prefixes]
