"""Probe packets: made by Scapy once, then patched, with checksums updated as RFC 1624 has it.

Every field that changes is zero in Scapy's packet. Equation 3 of RFC 1624, HC' = ~(~HC + ~m + m'),
then needs no old value: ~m of a zero field is the ones' complement's other zero. Ones' complement
sums of 16-bit words are sums modulo 0xFFFF.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from anycastlab.components.identity_wire import IDENTITY_PORT, MAGIC

if TYPE_CHECKING:
    from anycastlab.kernel.outgoing import Outgoing
    from anycastlab.topology.network import Family

SYN_PORT = 61786
"""The source port of crafted SYNs; real sessions take theirs between 32768 and 60999."""


def words(data: bytes) -> int:
    """The sum of the 16-bit words of *data*, carries not yet folded in (RFC 1071)."""
    return sum(struct.unpack(f"!{len(data) // 2}H", data))


@dataclass(frozen=True, slots=True)
class Template:
    """A transport packet for any probe: one big number, to which the changing fields are added.

    ``ids`` has a 1 at the low end of each of the places where the id goes; ``complement`` is what
    the checksum is the complement of without the changing fields.
    """

    size: int
    number: int
    ids: int
    ids_at: tuple[int, ...]
    checksum_at: int
    complement: int
    covers_addresses: bool

    @classmethod
    def of(
        cls, packet: bytes, *, ids_at: tuple[int, ...], checksum_at: int, covers_addresses: bool
    ) -> Template:
        """Make a template of a complete packet whose changing fields (addresses too) are zero."""
        size = len(packet)
        (checksum,) = struct.unpack_from("!H", packet, checksum_at)
        blank = packet[:checksum_at] + bytes(2) + packet[checksum_at + 2 :]
        return cls(
            size=size,
            number=int.from_bytes(blank, "big"),
            ids=sum(1 << (size - at - 4) * 8 for at in ids_at),
            ids_at=ids_at,
            checksum_at=checksum_at,
            complement=checksum ^ 0xFFFF,
            covers_addresses=covers_addresses,
        )

    def fill(self, probe: int, addresses: int) -> bytes:
        """Return the packet of a probe; *addresses* is the :func:`words` sum of its two addresses.

        It counts where the checksum has a pseudo header: in TCP and ICMPv6, not in ICMP. A 32-bit
        id needs no cutting into words, as 2**16 is 1 in arithmetic modulo 0xFFFF.
        """
        (checksum,) = self._checksums((probe,), (addresses,))
        packet = self.number + probe * self.ids
        packet += checksum << (self.size - self.checksum_at - 2) * 8
        return packet.to_bytes(self.size, "big")

    @property
    def blank(self) -> bytes:
        """The packet without what changes."""
        return self.number.to_bytes(self.size, "big")

    def load(self, outgoing: Outgoing, first: int, addresses: Sequence[int]) -> None:
        """Make blank packets the probes from *first* on; *addresses* has such a sum for each."""
        probes = range(first, first + len(addresses))
        for at in self.ids_at:
            outgoing.scatter("I", at, probes)
        outgoing.scatter("H", self.checksum_at, self._checksums(probes, addresses))

    def _checksums(self, probes: Sequence[int], addresses: Sequence[int]) -> list[int]:
        rest, copies = self.complement, len(self.ids_at)
        if not self.covers_addresses:
            return [-(rest + copies * probe) % 0xFFFF for probe in probes]
        return [
            -(rest + copies * probe + total) % 0xFFFF
            for probe, total in zip(probes, addresses, strict=True)
        ]


@cache
def echo(family: Family) -> Template:
    """An ICMP or ICMPv6 echo request: the id is its identifier and sequence number, and its data
    after MAGIC.
    """
    from scapy.layers.inet import ICMP, IP
    from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6

    data = MAGIC + bytes(4)
    if family == 4:
        packet = bytes(IP(src="0.0.0.0", dst="0.0.0.0") / ICMP(type=8, id=0, seq=0) / data)[20:]
    else:
        packet = bytes(IPv6(src="::", dst="::") / ICMPv6EchoRequest(id=0, seq=0, data=data))[40:]
    return Template.of(packet, ids_at=(4, 16), checksum_at=2, covers_addresses=family == 6)


@cache
def syn(family: Family) -> Template:
    """A TCP SYN to the identity port: the id is its sequence number."""
    from scapy.layers.inet import IP, TCP
    from scapy.layers.inet6 import IPv6

    segment = TCP(
        sport=SYN_PORT, dport=IDENTITY_PORT, flags="S", seq=0, window=65535, options=[("MSS", 1220)]
    )
    if family == 4:
        packet = bytes(IP(src="0.0.0.0", dst="0.0.0.0") / segment)[20:]
    else:
        packet = bytes(IPv6(src="::", dst="::") / segment)[40:]
    return Template.of(packet, ids_at=(4,), checksum_at=16, covers_addresses=True)
