"""What the configurations of FRR's daemons share: the lists of what a node tells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from anycastlab.lab.planes.speakers import Speaker
from anycastlab.topology.network import Address

TOLD, LEAVES, NOTHING = "told", "leaves", "nothing"
"""Prefix lists and route maps, followed by the family: the connected prefixes a node tells; those
beside it that run no daemon; none at all."""
BFD_PROFILE = "lab"
FAMILIES = (4, 6)
_WORD = {4: "ip", 6: "ipv6"}


def lists(family: int, told: Iterable[str]) -> Iterator[str]:
    """The prefix list *told* with its route map, and NOTHING."""
    yield from told
    yield from permit(TOLD, 1, family, f"{TOLD}{family}")
    yield f"{_WORD[family]} prefix-list {NOTHING}{family} seq 1 deny any"
    yield f"route-map {NOTHING}{family} deny 1"


def only(addresses: Iterable[Address], family: int) -> Iterator[str]:
    """A list TOLD of just these addresses."""
    yield f"no {_WORD[family]} prefix-list {TOLD}{family}"
    yield from entries(TOLD, family, "permit", addresses)
    yield f"{_WORD[family]} prefix-list {TOLD}{family} seq 65535 deny any"


def all_but(addresses: Iterable[Address], family: int) -> Iterator[str]:
    """A list TOLD of all connected prefixes but these addresses."""
    yield f"no {_WORD[family]} prefix-list {TOLD}{family}"
    yield from entries(TOLD, family, "deny", addresses)
    yield f"{_WORD[family]} prefix-list {TOLD}{family} seq 65535 permit any"


def entries(name: str, family: int, verdict: str, addresses: Iterable[Address]) -> Iterator[str]:
    """The entries of a prefix list for the addresses of one family."""
    chosen = [one for one in addresses if one.version == family]
    for number, one in enumerate(chosen, 1):
        what = f"seq {number} {verdict} {one}/{one.max_prefixlen}"
        yield f"{_WORD[family]} prefix-list {name}{family} {what}"


def permit(route_map: str, number: int, family: int, prefixes: str) -> Iterator[str]:
    """The entry of a route map that lets a prefix list through."""
    yield f"route-map {route_map}{family} permit {number}"
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
