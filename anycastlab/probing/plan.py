"""What one pass will send: blocks of probes, each from one client's socket."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from anycastlab.probing.craft import words
from anycastlab.topology.network import Address, Family, Group

DatagramKind = Literal["icmp", "udp", "syn"]
Kind = DatagramKind | Literal["tcp"]
"""A protocol. ``tcp`` is a real session; ``syn`` is a crafted SYN whose handshake is not completed,
for large maps."""


@dataclass(frozen=True, slots=True)
class Target:
    """One service address of a group; ``words`` is its part of a pseudo header's checksum.

    A ``formal`` one is of mode rfc2373: it is answered from another address, and takes no TCP.
    """

    group: str
    address: str
    packed: bytes
    words: int
    formal: bool = False

    @classmethod
    def of(cls, group: str, address: Address, *, formal: bool = False) -> Target:
        """Prepare an address."""
        return cls(group, str(address), address.packed, words(address.packed), formal)


@dataclass(frozen=True, slots=True)
class Block:
    """Probes of one client, family and protocol; the first has number ``start`` in its pass."""

    client: str
    family: Family
    kind: Kind
    targets: Sequence[Target]
    start: int


def targets(groups: Sequence[Group], family: Family) -> list[Target]:
    """The service addresses of one family, in file order."""
    return [
        Target.of(group.name, address, formal=address in group.formal)
        for group in groups
        for address in group.addresses
        if address.version == family
    ]


def address_family(family: Family) -> socket.AddressFamily:
    """The socket module's name for an IP version."""
    return socket.AF_INET if family == 4 else socket.AF_INET6
