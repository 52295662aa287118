"""What the configurations of FRR's daemons share: the lists of what a node tells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from anycastlab.lab.planes.speakers import Speaker
from anycastlab.topology.network import Address

HOSTS, LEAVES, NOTHING = "hosts", "leaves", "nothing"
"""Names of prefix lists and route maps: a node's own addresses and services; those beside it that
run no daemon; none at all."""
BFD_PROFILE = "lab"
FAMILIES = (4, 6)
_WORD = {4: "ip", 6: "ipv6"}


def lists(speaker: Speaker, family: int) -> Iterator[str]:
    """The prefix lists and route maps of one family; metrics are those of OSPF, type 1."""
    own = [one for one in (*speaker.own, *speaker.services) if one.version == family]
    yield from prefix_list(f"{HOSTS}{family}", own, family)
    yield from _permit(f"{HOSTS}{family}", 10, family, f"{HOSTS}{family}")
    for number, (cost, addresses) in enumerate(sorted(leaves(speaker, family).items()), 1):
        name = f"{LEAVES}{family}-{cost}"
        yield from prefix_list(name, addresses, family)
        yield from _permit(f"{LEAVES}{family}", number, family, name)
        yield f" set metric {cost}"
    yield f"{_WORD[family]} prefix-list {NOTHING}{family} seq 1 deny any"
    yield f"route-map {NOTHING} deny 1"


def prefix_list(name: str, addresses: Iterable[Address], family: int) -> Iterator[str]:
    """A prefix list of just these hosts; one without any denies all."""
    word = _WORD[family]
    for number, one in enumerate(addresses, 1):
        yield f"{word} prefix-list {name} seq {number} permit {one}/{one.max_prefixlen}"
    yield f"{word} prefix-list {name} seq 65535 deny any"


def _permit(route_map: str, number: int, family: int, prefixes: str) -> Iterator[str]:
    yield f"route-map {route_map} permit {number}"
    yield f" match {_WORD[family]} address prefix-list {prefixes}"


def leaves(speaker: Speaker, family: int) -> dict[int, list[Address]]:
    """The own addresses of those beside a router that run no daemon, by the cost to send there."""
    found: dict[int, list[Address]] = {}
    for port in sorted(speaker.ports, key=lambda one: one.cost):
        for far in port.silent:
            address: Address = far.node.ipv4 if family == 4 else far.node.ipv6
            if not any(address in known for known in found.values()):
                found.setdefault(port.cost, []).append(address)
    return found
