"""Check that every address can be used, and that no two things have the same one.

Unicast addresses that the file does not give avoid those it gives, so only given ones can collide
among themselves; a given service address can also meet an assigned address.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network

from anycastlab.topology import addresses
from anycastlab.topology.addresses import Plan, span, usable
from anycastlab.topology.literals import Subnet, not_unicast
from anycastlab.topology.models import GroupSpec, Topology
from anycastlab.topology.network import Address
from anycastlab.topology.positions import Path
from anycastlab.topology.reporter import Reporter
from anycastlab.topology.reserved import NamedAddress, number_of


@dataclass(frozen=True, slots=True, order=True)
class _Claim:
    """Addresses that belong to something: the first and the last as numbers, whose, and where."""

    first: int
    last: int
    owner: str
    path: Path = ()


def check_given(topology: Topology, reporter: Reporter) -> None:
    """Report what the file's own addresses and subnets have wrong, alone and among themselves."""
    subnets: dict[int, list[_Claim]] = {4: [], 6: []}
    for path, owner, given, ends in _segments(topology):
        _check_families(reporter, path, owner, given)
        for index, subnet in enumerate(given):
            where = (*path, index)
            _check_subnet(reporter, where, owner, subnet, ends)
            subnets[subnet.version].append(_Claim(*span(subnet), f"{owner}, {subnet}", where))
    for claims in subnets.values():
        claims.sort()
        _check_overlaps(reporter, claims)
    _check_nodes(topology, reporter, subnets)
    _check_groups(topology, reporter)


def _segments(topology: Topology) -> Iterator[tuple[Path, str, list[Subnet], int]]:
    """Yield for each link and LAN where its subnets are given, its name, they, and its ends."""
    for index, link in enumerate(topology.links):
        yield ("links", index, "subnet"), f"link {'--'.join(link.endpoints)}", link.subnet, 2
    for name, lan in topology.lans.items():
        yield ("lans", name, "subnet"), f"LAN {name}", lan.subnet, len(lan.nodes)


def _check_families(
    reporter: Reporter, path: Path, owner: str, values: Iterable[Subnet | Address]
) -> None:
    seen: set[int] = set()
    for index, value in enumerate(values):
        if value.version in seen:
            message = f"a second IPv{value.version} {path[-1]} for {owner}: one of each family"
            reporter.problem((*path, index), message.replace("addresses", "address"))
        seen.add(value.version)


def _check_unicast(reporter: Reporter, path: Path, address: Address, subject: str) -> None:
    if kind := not_unicast(address):
        reporter.problem(path, f"{address} is {kind}: {subject} must be unicast")


def _check_subnet(reporter: Reporter, path: Path, owner: str, subnet: Subnet, ends: int) -> None:
    _check_unicast(reporter, path, subnet.network_address, "a subnet")
    first, last = usable(subnet)
    room = max(0, last - first + 1)
    if room < ends:
        message = f"{subnet} is too small for {owner}: {ends} nodes, room for {room}"
        reporter.problem(path, message)


def _check_overlaps(reporter: Reporter, claims: list[_Claim]) -> None:
    """Report overlaps of neighbours in the sorted *claims*, at the one that is written later."""
    widest: _Claim | None = None
    for claim in claims:
        if widest and claim.first <= widest.last:
            earlier, later = sorted((claim, widest), key=lambda each: reporter.mark(each.path))
            reporter.problem(later.path, f"this overlaps the subnet of {earlier.owner}")
        if widest is None or claim.last > widest.last:
            widest = claim


def _check_nodes(topology: Topology, reporter: Reporter, subnets: dict[int, list[_Claim]]) -> None:
    owners: dict[Address, str] = {}
    for name, node in topology.nodes.items():
        path: Path = ("nodes", name, "addresses")
        _check_families(reporter, path, f"node {name}", node.addresses)
        for index, address in enumerate(node.addresses):
            where = (*path, index)
            _check_unicast(reporter, where, address, "a node's address")
            owner = owners.setdefault(address, name)
            if owner != name:
                reporter.problem(where, f"{address} is the address of node {owner} already")
            if claim := _holder(subnets[address.version], address):
                message = f"{address} lies in the subnet of {claim.owner}"
                reporter.problem(where, f"{message}: a node's own address is in none")


def _check_groups(topology: Topology, reporter: Reporter) -> None:
    """Report an address that a registry has given out already; it sees only its own."""
    owners: dict[tuple[str, Address | NamedAddress], tuple[str, int]] = {}
    said: set[Path] = set()
    for name, spec, where, index, address in _given(topology):
        if not isinstance(address, NamedAddress):
            _check_unicast(reporter, where, address, "a service address")
        owner = owners.setdefault((spec.registry, address), (name, index))
        if owner != (name, index) and where not in said:
            message = f"{address} is a service address of group {owner[0]} already"
            reporter.problem(where, message)
            said.add(where)


def _given(
    topology: Topology,
) -> Iterator[tuple[str, GroupSpec, Path, int, Address | NamedAddress]]:
    """Yield every given service address: of which group, where and as which it is written."""
    for key, spec in topology.anycast.items():
        for name, place in spec.places(key):
            for index, address in enumerate(spec.given(place)):
                yield name, spec, ("anycast", key, "addresses", index), index, address


def check_services(topology: Topology, plan: Plan, reporter: Reporter) -> None:
    """Report the given service addresses that are, or lie among, the unicast addresses."""
    if not any(group.addresses for group in topology.anycast.values()):
        return
    claims = {version: sorted(_unicast(topology, plan, version)) for version in (4, 6)}
    said: set[Path] = set()  # once for all the groups that an entry stands for
    for _, spec, where, index, address in _given(topology):
        if isinstance(address, NamedAddress) or where in said:
            continue
        if claim := _holder(claims[address.version], address):
            reporter.problem(where, f"service address {address} is taken: it {claim.owner}")
            said.add(where)
        elif spec.addresses[index].mode != "rfc2373" and (lan := _reserved_on(topology, address)):
            message = f"{address} is a reserved anycast address of LAN {lan} (RFC 2526, section 2)"
            reporter.problem(where, f"{message}, and never unicast: give it mode: rfc2373")
            said.add(where)


def _reserved_on(topology: Topology, address: Address) -> str | None:
    """Return the LAN among whose reserved anycast addresses one is."""
    for name, lan in topology.lans.items():
        for subnet in lan.subnet:
            if (
                isinstance(subnet, IPv6Network)
                and isinstance(address, IPv6Address)
                and number_of(subnet, address) is not None
            ):
                return name
    return None


def _unicast(topology: Topology, plan: Plan, version: int) -> Iterator[_Claim]:
    """Yield who has which unicast addresses of one IP version."""
    pick = 0 if version == 4 else 1
    for (name, node), own in zip(topology.nodes.items(), plan.nodes, strict=True):
        number = own[pick]
        how = "given" if any(int(address) == number for address in node.addresses) else "assigned"
        yield _Claim(number, number, f"is the address {how} to node {name}")
    for link, ends in zip(topology.links, plan.links, strict=True):
        number, length = ends[pick]
        size = 1 << ((32 if version == 4 else 128) - length)
        first = number // size * size
        owner = f"link {'--'.join(link.endpoints)}"
        yield _Claim(first, first + size - 1, f"lies in the subnet of {owner}")
    for (name, spec), lan in zip(topology.lans.items(), plan.lans, strict=True):
        if addresses.given(spec.subnet, lan[pick].version):
            yield from _taken_on(name, len(spec.nodes), lan[pick])
        else:
            yield _Claim(*span(lan[pick]), f"lies in the subnet of LAN {name}, {lan[pick]}")


def _taken_on(lan: str, ports: int, subnet: Subnet) -> Iterator[_Claim]:
    """Yield what is not free for service addresses in a LAN's given subnet."""
    (first, last), (lowest, highest) = span(subnet), usable(subnet)
    yield _Claim(lowest, lowest + ports - 1, f"is the address of a node's port on LAN {lan}")
    for outside in (first,) * (first < lowest) + (last,) * (last > highest):
        yield _Claim(outside, outside, f"is no host's address on LAN {lan}, {subnet}")


def _holder(claims: list[_Claim], address: Address) -> _Claim | None:
    """Return the claim that holds *address*; the *claims* are sorted and do not overlap."""
    number = int(address)
    index = bisect_right(claims, number, key=lambda claim: claim.first)
    return claims[index - 1] if index and number <= claims[index - 1].last else None
