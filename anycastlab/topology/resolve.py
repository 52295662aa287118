"""Make the resolved network of a topology whose names and addresses are in order."""

from __future__ import annotations

from collections import defaultdict
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from types import MappingProxyType

from anycastlab.topology.addresses import Plan, Span, usable
from anycastlab.topology.interfaces import interface_name
from anycastlab.topology.models import GroupSpec, NodeSpec, Topology
from anycastlab.topology.network import (
    Address,
    Aggregate,
    Component,
    Filter,
    Group,
    Interface,
    Lan,
    Link,
    Member,
    Multipath,
    Network,
    Node,
    Routing,
)
from anycastlab.topology.on_link import lan_of
from anycastlab.topology.reserved import NamedAddress
from anycastlab.topology.settings import path_of

# A full table is (nodes + links) * 2 routes a router, so a lab's routes grow with the square of its
# nodes: 256 nodes have about 300,000, which at 2 us each the kernel takes in within a second.
MOST_NODES_WITH_FULL_TABLES = 256

FIRST_INDEX = 16  # a new namespace has its own devices below: the loopback and fallback tunnels


def resolve(topology: Topology, plan: Plan) -> Network:
    """Return the network with every interface and address; both arguments must be checked."""
    ports = _Ports()
    links = _links(topology, plan, ports)
    lans = _lans(topology, plan, ports)
    nodes = {
        name: _node(name, spec, own, tuple(ports.of[name]))
        for (name, spec), own in zip(topology.nodes.items(), plan.nodes, strict=True)
    }
    return Network(
        topology.name,
        topology.description,
        MappingProxyType(nodes),
        links,
        lans,
        MappingProxyType(_groups(topology, plan)),
        _routing(topology),
        topology.neighbour.resolved,
    )


class _Ports:
    """Makes the interfaces of the lab, in the order in which it is asked."""

    def __init__(self) -> None:
        self.of: dict[str, list[Interface]] = defaultdict(list)
        self._used: dict[str, set[str]] = defaultdict(set)
        self._next = FIRST_INDEX

    def add(self, node: str, wanted: str, segment: str, ipv4: Span, ipv6: Span) -> Interface:
        """Make an interface; the addresses are numbers with their prefix lengths."""
        name = interface_name(wanted, self._used[node])
        addresses = IPv4Interface(ipv4), IPv6Interface(ipv6)
        interface = Interface(node, name, self._next, segment, *addresses)
        self._next += 1
        self.of[node].append(interface)
        return interface


def _links(topology: Topology, plan: Plan, ports: _Ports) -> tuple[Link, ...]:
    links = []
    for spec, (ipv4, ipv6) in zip(topology.links, plan.links, strict=True):
        a, b = spec.endpoints
        name = f"{a}--{b}"
        near = ports.add(a, f"to-{b}", name, ipv4, ipv6)
        far = ports.add(b, f"to-{a}", name, (ipv4[0] + 1, ipv4[1]), (ipv6[0] + 1, ipv6[1]))
        costs = spec.cost[0], spec.cost[-1]
        links.append(Link(name, near, far, *costs, spec.impairment, spec.mtu))
    return tuple(links)


def _lans(topology: Topology, plan: Plan, ports: _Ports) -> tuple[Lan, ...]:
    lans = []
    for (name, spec), (ipv4, ipv6) in zip(topology.lans.items(), plan.lans, strict=True):
        first4, first6 = usable(ipv4)[0], usable(ipv6)[0]
        members = tuple(
            ports.add(
                node,
                name,
                name,
                (first4 + index, ipv4.prefixlen),
                (first6 + index, ipv6.prefixlen),
            )
            for index, node in enumerate(spec.nodes)
        )
        lans.append(Lan(name, members, ipv4, ipv6, spec.cost))
    return tuple(lans)


def _node(
    name: str, spec: NodeSpec, own: tuple[int, int], interfaces: tuple[Interface, ...]
) -> Node:
    run = tuple(Component(entry.name, MappingProxyType(entry.options)) for entry in spec.run)
    settings = MappingProxyType({path_of(key): value for key, value in spec.sysctls.items()})
    addresses = IPv4Address(own[0]), IPv6Address(own[1])
    return Node(name, spec.role, *addresses, interfaces, run, settings)


def _groups(topology: Topology, plan: Plan) -> dict[str, Group]:
    groups, addresses = {}, iter(plan.groups)
    for key, spec in topology.anycast.items():
        members = tuple(
            Member(
                node,
                member.announce,
                MappingProxyType(member.model_extra or {}),
                member.check.resolved if member.check else None,
            )
            for _, node, member in spec.member_items()
        )
        for name, _ in spec.places(key):
            groups[name] = _group(topology, name, spec, members, next(addresses))
    return groups


def _lan_of(topology: Topology, written: Address | NamedAddress, address: Address) -> str | None:
    """Return the LAN an address is of; a name says it also where the subnet is assigned."""
    return written.lan if isinstance(written, NamedAddress) else lan_of(topology, address)


def _group(
    topology: Topology,
    name: str,
    spec: GroupSpec,
    members: tuple[Member, ...],
    addresses: tuple[Address, ...],
) -> Group:
    held = list(zip(spec.addresses, addresses, strict=False))  # none if they are assigned
    formal = frozenset(address for written, address in held if written.mode == "rfc2373")
    on_link = {
        address: lan
        for written, address in held
        if (lan := _lan_of(topology, written.address, address))
    }
    return Group(name, addresses, members, formal, MappingProxyType(on_link))


def _routing(topology: Topology) -> Routing:
    spec = topology.routing
    tables = spec.tables
    if tables == "auto":
        tables = "full" if len(topology.nodes) <= MOST_NODES_WITH_FULL_TABLES else "compact"
    options = MappingProxyType(spec.model_extra or {})
    choice = spec.multipath
    multipath = Multipath(choice.hash, choice.resilient, choice.seeds)
    aggregates = tuple(
        Aggregate(one.at, prefix, tuple(one.towards))
        for one in spec.aggregate
        for prefix in one.prefix
    )
    filters = tuple(
        Filter(one.at, {4: one.longest.ipv4, 6: one.longest.ipv6}, tuple(one.origin))
        for one in spec.filter
    )
    times = spec.detect, spec.spread
    return Routing(
        spec.daemon, spec.protocol, tables, options, multipath, *times, aggregates, filters
    )
