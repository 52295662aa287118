"""Give every node, link, LAN and group its addresses, from the file alone.

    10.255.0.0/16    2001:db8::/64       a node's own address, on its loopback: the n-th has .n
    172.16.0.0/12    2001:db8:1::/64     a link: /31 (RFC 3021) and /127 (RFC 6164)
    10.254.0.0/16    2001:db8:2::/48     a LAN: /24, or larger if it must be, and /64
    198.18.0.0/15    2001:db8:a::/64     a group's service addresses (RFC 2544, RFC 3849)

Addresses and subnets that the file gives itself are passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from anycastlab.topology.literals import Subnet
from anycastlab.topology.models import LanSpec, LinkSpec, NodeSpec, Topology
from anycastlab.topology.network import Address, Family
from anycastlab.topology.reporter import Reporter
from anycastlab.topology.reserved import NamedAddress, reserved_at_end

Span = tuple[int, int]
"""The first and the last of consecutive addresses, as numbers."""

NODES: dict[Family, Subnet] = {4: IPv4Network("10.255.0.0/16"), 6: IPv6Network("2001:db8::/64")}
LINKS: dict[Family, Subnet] = {4: IPv4Network("172.16.0.0/12"), 6: IPv6Network("2001:db8:1::/64")}
LANS: dict[Family, Subnet] = {4: IPv4Network("10.254.0.0/16"), 6: IPv6Network("2001:db8:2::/48")}
GROUPS: dict[Family, Subnet] = {4: IPv4Network("198.18.0.0/15"), 6: IPv6Network("2001:db8:a::/64")}

FAMILIES: tuple[Family, Family] = (4, 6)


class PoolEmptyError(Exception):
    """No address is left in a pool."""


def span(subnet: Subnet) -> Span:
    """Return the first and the last address of a subnet."""
    return int(subnet.network_address), int(subnet.broadcast_address)


def usable(subnet: Subnet) -> Span:
    """Return the addresses that hosts of a subnet may have; the last is before the first if none.

    IPv4 loses the network's and the broadcast address unless it is a /31 (RFC 3021); IPv6 the
    subnet-router anycast address (RFC 4291, section 2.6.1) unless it is a /127 (RFC 6164), and the
    reserved ones at its end (RFC 2526), which are within it but for an EUI-64 subnet.
    """
    first, last = span(subnet)
    if last - first == 1:
        return first, last
    if isinstance(subnet, IPv6Network):
        return first + 1, last - reserved_at_end(subnet)
    return first + 1, last - 1


class Pool:
    """Hands out the addresses of a subnet in order, passing over those that are taken."""

    def __init__(self, subnet: Subnet, taken: Iterable[Span], skip: int = 0) -> None:
        first, self._last = span(subnet)
        self._subnet = subnet
        self._next = first + skip
        inside = [s for s in taken if s[1] >= self._next and s[0] <= self._last]
        self._taken = sorted(inside, reverse=True)

    def take(self, size: int = 1) -> int:
        """Return the first of *size* free addresses, aligned to *size*; raise PoolEmptyError."""
        start = -(-self._next // size) * size
        while self._taken and self._taken[-1][0] < start + size:
            _, last = self._taken.pop()
            start = max(start, -(-(last + 1) // size) * size)
        if start + size - 1 > self._last:
            raise PoolEmptyError(f"no address is left in {self._subnet}")
        self._next = start + size
        return start


@dataclass(frozen=True, slots=True)
class Plan:
    """The addresses of everything, each list in the order of the file; v4 before v6 in each pair.

    ``nodes``: the own addresses as numbers. ``links``: for each family the first end's address as
    a number (the second's follows it) and the prefix length.
    """

    nodes: list[tuple[int, int]]
    links: list[tuple[Span, Span]]
    lans: list[tuple[IPv4Network, IPv6Network]]
    groups: list[tuple[Address, ...]]


Taken = dict[Family, list[Span]]
Lans = Mapping[str, tuple[IPv4Network, IPv6Network]]


def assign(topology: Topology, reporter: Reporter) -> Plan | None:
    """Return the addresses of everything; report a pool that is too small, and return None."""
    taken = _taken(topology)
    section = "nodes"
    try:
        nodes = _nodes(topology.nodes.values(), taken)
        section = "links"
        links = _links(topology.links, taken)
        section = "lans"
        lans = _lans(topology.lans.values(), taken)
        section = "anycast"
        groups = _groups(topology, dict(zip(topology.lans, lans, strict=True)), taken)
    except PoolEmptyError as error:
        reporter.problem((section,), f"too many entries in {section}: {error}", at_key=True)
        return None
    return Plan(nodes, links, lans, groups)


def given(subnets: Iterable[Subnet], family: Family) -> Subnet | None:
    """Return the first of *subnets* that is of the *family*."""
    return next((subnet for subnet in subnets if subnet.version == family), None)


def _taken(topology: Topology) -> Taken:
    taken: Taken = {4: [], 6: []}
    for node in topology.nodes.values():
        for address in node.addresses:
            taken[address.version].append((int(address), int(address)))
    given_to_links = (subnet for link in topology.links for subnet in link.subnet)
    given_to_lans = (subnet for lan in topology.lans.values() for subnet in lan.subnet)
    for subnet in (*given_to_links, *given_to_lans):
        taken[subnet.version].append(span(subnet))
    return taken


def _nodes(specs: Iterable[NodeSpec], taken: Taken) -> list[tuple[int, int]]:
    """Draw for every node, also for one with given addresses: so the n-th always has .n."""
    pools = [Pool(NODES[family], taken[family], skip=1) for family in FAMILIES]
    nodes = []
    for spec in specs:
        own = {family: pool.take() for family, pool in zip(FAMILIES, pools, strict=True)}
        for address in spec.addresses:
            own[address.version] = int(address)
        nodes.append((own[4], own[6]))
    return nodes


def _links(specs: Iterable[LinkSpec], taken: Taken) -> list[tuple[Span, Span]]:
    pool4, pool6 = (Pool(LINKS[family], taken[family]) for family in FAMILIES)
    return [
        (
            _ends(spec.subnet, 4) or (pool4.take(2), 31),
            _ends(spec.subnet, 6) or (pool6.take(2), 127),
        )
        for spec in specs
    ]


def _ends(subnets: Iterable[Subnet], family: Family) -> Span | None:
    subnet = given(subnets, family)
    return (usable(subnet)[0], subnet.prefixlen) if subnet else None


def _lans(specs: Iterable[LanSpec], taken: Taken) -> list[tuple[IPv4Network, IPv6Network]]:
    """Begin with 10.254.1.0/24 and 2001:db8:2:1::/64, so that both families show one number."""
    pool4 = Pool(LANS[4], taken[4], skip=2**8)
    pool6 = Pool(LANS[6], taken[6], skip=2**64)
    lans = []
    for spec in specs:
        own4, own6 = given(spec.subnet, 4), given(spec.subnet, 6)
        bits = max(8, (len(spec.nodes) + 1).bit_length())
        lans.append(
            (
                IPv4Network(own4 or (pool4.take(2**bits), 32 - bits)),
                IPv6Network(own6 or (pool6.take(2**64), 64)),
            )
        )
    return lans


def _groups(topology: Topology, lans: Lans, taken: Taken) -> list[tuple[Address, ...]]:
    """Draw for every group that has no given addresses, in the order of the file."""
    given = [
        (bool(spec.addresses), tuple(_existing(spec.given(place), lans)))
        for name, spec in topology.anycast.items()
        for _, place in spec.places(name)
    ]
    for _, addresses in given:
        for address in addresses:
            taken[address.version].append((int(address), int(address)))
    pool4, pool6 = (Pool(GROUPS[family], taken[family], skip=1) for family in FAMILIES)
    return [
        addresses if written else (IPv4Address(pool4.take()), IPv6Address(pool6.take()))
        for written, addresses in given
    ]


def _existing(addresses: Iterable[Address | NamedAddress], lans: Lans) -> Iterator[Address]:
    """Yield addresses, but for names that a LAN does not have."""
    for address in addresses:
        if not isinstance(address, NamedAddress):
            yield address
        elif address.lan in lans and not address.refused_by(lans[address.lan][1]):
            yield address.of(lans[address.lan][1])
