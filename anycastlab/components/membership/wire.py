"""Membership messages as they come in: IP packets, checked field by field, without Scapy.

This is the path of a flood of reports. What is for somebody else (a real multicast group, a query
for a host) is None; what is for us and wrong raises Malformed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

from anycastlab.kernel.checksum import checksum, ipv6_pseudo_header

Kind = Literal["query", "report", "leave"]

ALL_ROUTERS = {4: bytes((224, 0, 0, 2)), 6: bytes.fromhex("ff02" + 26 * "0" + "02")}
ALL_NODES = {4: bytes((224, 0, 0, 1)), 6: bytes.fromhex("ff02" + 26 * "0" + "01")}
SOLICITED_NODE = bytes.fromhex("ff02" + 18 * "0" + "01ff")
LINK_LOCAL = b"\xfe\x80" + bytes(6)
NOBODY = {4: bytes(4), 6: bytes(16)}
"""The address in a general query."""
ROUTER_ALERT = {4: b"\x94\x04\x00\x00", 6: b"\x05\x02\x00\x00"}
"""RFC 2113; RFC 2711 with the value for MLD."""
LARGEST = 1280
"""Bytes of a packet: what may follow a message is passed over (RFC 2710, section 3.7), up to the
least MTU of IPv6."""

IGMP, ICMPV6, HOP_BY_HOP = 2, 58, 0
MLD_KINDS: dict[int, Kind] = {130: "query", 131: "report", 132: "leave"}
IGMP_KINDS: dict[int, Kind] = {0x11: "query", 0x16: "report", 0x17: "leave"}
_MLD_TYPES = (b"", *(bytes((number,)) for number in MLD_KINDS))  # or cut off before it
_IGMP_TYPES = (b"", *(bytes((number,)) for number in IGMP_KINDS))
ADVERTISEMENT = 136
_SOLICITED = 0x40
_MLD, _IGMP = struct.Struct("!BxxxH2x16s"), struct.Struct("!BBxx4s")
_MULTICAST4 = range(224, 240)


class Malformed(Exception):  # noqa: N818  the message is malformed, and we are fine
    """What is wrong with a message that is for us."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a message says: addresses are packed, ``delay`` (of a query) in seconds."""

    kind: Kind
    address: bytes
    source: bytes
    delay: float = 0.0


def solicited_node(address: bytes) -> bytes:
    """The solicited-node multicast address (RFC 4291, section 2.7.1)."""
    return SOLICITED_NODE + address[13:]


def is_multicast(address: bytes) -> bool:
    """Whether a packed address of either family is multicast."""
    return address[0] == 0xFF if len(address) == 16 else address[0] in _MULTICAST4


def mld(packet: bytes) -> Message | None:
    """An MLD message (RFC 2710, section 3) in an IPv6 packet."""
    payload, source, destination = _ipv6(packet, "hop limit", 1)
    if packet[6] != HOP_BY_HOP:
        raise Malformed("no hop-by-hop header with a router alert")
    length = (payload[1] + 1) * 8 if len(payload) > 1 else 0
    if length < 8 or len(payload) < length:
        raise Malformed("truncated in the hop-by-hop header")
    if payload[0] != ICMPV6:
        raise Malformed(f"next header {payload[0]} is not ICMPv6")
    if not _has_alert(payload[2:length]):
        raise Malformed("no router alert")
    message = payload[length:]
    if message[:1] not in _MLD_TYPES:
        return None
    if len(message) < _MLD.size:
        raise Malformed(f"truncated: {len(message)} bytes of {_MLD.size}")
    pseudo = ipv6_pseudo_header(source, destination, len(message), ICMPV6)
    if checksum(pseudo + message):
        raise Malformed("wrong checksum")
    number, delay, address = _MLD.unpack_from(message)
    wrong = source[:8] != LINK_LOCAL and "the source is not link-local"
    return _for_us(Message(MLD_KINDS[number], address, source, delay / 1000), wrong)


def igmp(packet: bytes) -> Message | None:
    """A message of our IGMP mirror (the layout of RFC 2236, section 2) in an IPv4 packet."""
    if len(packet) < 20 or packet[0] >> 4 != 4:
        raise Malformed("truncated in the IPv4 header")
    header, total = (packet[0] & 15) * 4, int.from_bytes(packet[2:4], "big")
    if header < 20 or total < header or total > len(packet):
        raise Malformed(f"truncated: {len(packet)} bytes of {max(total, header)}")
    if total > LARGEST:
        raise Malformed(f"oversized: {total} bytes")
    if checksum(packet[:header]):
        raise Malformed("wrong checksum of the IPv4 header")
    if packet[8] != 1:
        raise Malformed(f"TTL {packet[8]}, must be 1")
    if packet[20:24] != ROUTER_ALERT[4] or header < 24:
        raise Malformed("no router alert")
    message, source = packet[header:total], packet[12:16]
    if message[:1] not in _IGMP_TYPES:
        return None
    if len(message) < _IGMP.size:
        raise Malformed(f"truncated: {len(message)} bytes of {_IGMP.size}")
    if checksum(message):
        raise Malformed("wrong checksum")
    number, tenths, address = _IGMP.unpack_from(message)
    nobody = not any(source) or is_multicast(source)
    wrong = nobody and "the source is no host's address"
    return _for_us(Message(IGMP_KINDS[number], address, source, tenths / 10), wrong)


def advertisement(packet: bytes) -> Message | None:
    """A solicited neighbour advertisement (RFC 4861, section 4.4): an answer to a poll."""
    message, source, destination = _ipv6(packet, "hop limit", 255)
    if packet[6] != ICMPV6:
        return None
    if message[:1] not in (b"", bytes((ADVERTISEMENT,))):
        return None
    if len(message) < 24:
        raise Malformed(f"truncated: {len(message)} bytes of 24")
    if checksum(ipv6_pseudo_header(source, destination, len(message), ICMPV6) + message):
        raise Malformed("wrong checksum")
    if message[1]:
        raise Malformed(f"code {message[1]}, must be 0")
    at = 24
    while at < len(message):
        if at + 1 >= len(message) or not message[at + 1]:
            raise Malformed("an option of length 0")
        at += message[at + 1] * 8
    if at != len(message):
        raise Malformed("truncated in an option")
    if is_multicast(message[8:24]):
        raise Malformed("the target is multicast")
    if not message[4] & _SOLICITED:
        return None
    return Message("report", message[8:24], source)


def _ipv6(packet: bytes, what: str, hops: int) -> tuple[bytes, bytes, bytes]:
    """Return payload, source and destination. Raises Malformed."""
    if len(packet) < 40 or packet[0] >> 4 != 6:
        raise Malformed("truncated in the IPv6 header")
    length = int.from_bytes(packet[4:6], "big")
    if len(packet) < 40 + length:
        raise Malformed(f"truncated: {len(packet)} bytes of {40 + length}")
    if 40 + length > LARGEST:
        raise Malformed(f"oversized: {40 + length} bytes")
    if packet[7] != hops:
        raise Malformed(f"{what} {packet[7]}, must be {hops}")
    return packet[40 : 40 + length], packet[8:24], packet[24:40]


def _has_alert(options: bytes) -> bool:
    """Whether a router alert for MLD is among the options (RFC 8200, section 4.2; RFC 2711)."""
    at = 0
    while at < len(options):
        if options[at : at + 4] == ROUTER_ALERT[6]:
            return True
        at += 1 if options[at] == 0 else 2 + int.from_bytes(options[at + 1 : at + 2], "big")
    return False


def _for_us(message: Message, wrong: str | Literal[False]) -> Message | None:
    """Pass over what is about a real multicast group; refuse what nobody can be a member of.

    *wrong* is what else is.
    """
    if is_multicast(message.address):
        return None
    if wrong:
        raise Malformed(wrong)
    if message.kind != "query" and not any(message.address):
        raise Malformed(f"a {message.kind} without an address")
    return message
