"""ARP and Neighbour Discovery as they pass a node's port: who asked, who answered, and how.

Layouts: RFC 826 (28 bytes after the Ethernet header), RFC 4861 sections 4.3 and 4.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from anycastlab.kernel.bpf import Program, assemble, equal, here, keep, load_byte, load_half

Kind = Literal["request", "probe", "reply", "announcement", "claim"]
"""``request``: asks all (or all of a solicited-node group); ``probe``: asks one alone; ``reply``;
``announcement``: tells all unasked; ``claim``: asks for somebody else in the address's name."""

KEPT = 14 + 40 + 32
_ETHERNET, _ARP, _IPV6, _ICMPV6 = 14, 0x0806, 0x86DD, 58
_SOLICITATION, _ADVERTISEMENT = 135, 136
_EVERY_STATION = b"\xff" * 6
_SOLICITED, _OVERRIDE = 0x40, 0x20


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame about an address: ns of real time, what it is, the MAC it came from.

    ``override``: the flag O of an advertisement; ARP has none. ``broadcast``: to every station.
    """

    stamp: int
    kind: Kind
    mac: bytes
    override: bool = False
    broadcast: bool = False

    def as_json(self, sender: str, began: int) -> dict[str, Any]:
        """In a document: seconds since *began*, and who sent it."""
        seconds = round((self.stamp - began) / 1e9, 6)
        found = {"at": seconds, "kind": self.kind, "from": sender}
        return {**found, "override": True} if self.override else found


@cache
def recorded() -> Program:
    """ARP, and solicitations and advertisements; offsets count from the Ethernet header."""
    return assemble(
        load_half(12),
        equal(_ARP, then="keep"),
        equal(_IPV6, otherwise="drop"),
        load_byte(20),
        equal(_ICMPV6, otherwise="drop"),
        load_byte(_ETHERNET + 40),
        equal(_SOLICITATION, then="keep"),
        equal(_ADVERTISEMENT, otherwise="drop"),
        here("keep"),
        keep(KEPT),
        here("drop"),
        keep(0),
    )


def frame_about(address: bytes, data: bytes, stamp: int) -> Frame | None:
    """Read a recorded frame; None when it is about another address."""
    arp = data[12:14] == _ARP.to_bytes(2, "big")
    if arp and len(address) == 4:
        return _arp(address, data, stamp)
    return None if arp or len(address) == 4 else _nd(address, data, stamp)


def _arp(address: bytes, data: bytes, stamp: int) -> Frame | None:
    payload, mac, to_all = data[14:42], data[6:12], bool(data[0] & 1)
    asks, sender, target = payload[7] == 1, payload[14:18], payload[24:28]
    if sender == address:
        if target == address or (to_all and not asks):
            return Frame(stamp, "announcement", mac)
        return Frame(stamp, "claim" if asks else "reply", mac)
    if asks and target == address:
        return Frame(stamp, "request" if to_all else "probe", mac, broadcast=to_all)
    return None


def _nd(address: bytes, data: bytes, stamp: int) -> Frame | None:
    message = data[_ETHERNET + 40 :]
    if message[8:24] != address:
        return None
    mac = data[6:12]
    if message[0] == _SOLICITATION:
        to_all = data[:6] == _EVERY_STATION
        kind: Kind = "request" if data[0] & 1 else "probe"
        return Frame(stamp, kind, mac, broadcast=to_all)
    solicited, override = bool(message[4] & _SOLICITED), bool(message[4] & _OVERRIDE)
    return Frame(stamp, "reply" if solicited else "announcement", mac, override)
