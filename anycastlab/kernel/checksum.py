"""The Internet checksum (RFC 1071), and those that a sender has left to its hardware."""

from __future__ import annotations

_TCP, _UDP = 6, 17
_FIELD_AT = {_TCP: 16, _UDP: 6}
_SOURCE_ROUTES = (131, 137)
_FRAGMENT = 0x3FFF
"""More fragments follow, or an offset: of a fragment no checksum can be told."""


def _sum(data: bytes) -> int:
    """The ones' complement sum of 16-bit words: the value modulo 2^16 - 1, 0 for zeros alone."""
    number = int.from_bytes(data if len(data) % 2 == 0 else data + b"\0", "big")
    return number % 0xFFFF or (0xFFFF if number else 0)


def checksum(data: bytes) -> int:
    """The 16-bit checksum of *data*; 0 over anything that has its checksum in it."""
    return _sum(data) ^ 0xFFFF


def ipv6_pseudo_header(source: bytes, destination: bytes, length: int, protocol: int) -> bytes:
    """What an upper-layer packet of *length* bytes is summed with (RFC 8200, section 8.1)."""
    return source + destination + length.to_bytes(4, "big") + bytes((0, 0, 0, protocol))


def completed(packet: bytes) -> bytes:
    """An IP packet whose TCP or UDP checksum is finished, if its sender had left that undone.

    Between network namespaces no hardware ever does: in the field stands the pseudo-header's sum.
    Anything else, a wrong checksum too, is returned as it is.
    """
    found = _upper_layer(packet)
    if found is None:
        return packet
    protocol, at, pseudo = found
    field = at + _FIELD_AT[protocol]
    if len(packet) < field + 2 or int.from_bytes(packet[field : field + 2], "big") != _sum(pseudo):
        return packet
    body = packet[at:]
    if checksum(pseudo + body) == 0:
        return packet
    blank = packet[:field] + bytes(2) + packet[field + 2 :]
    finished = checksum(pseudo + blank[at:]) or (0xFFFF if protocol == _UDP else 0)
    return packet[:field] + finished.to_bytes(2, "big") + packet[field + 2 :]


def _upper_layer(packet: bytes) -> tuple[int, int, bytes] | None:
    """(protocol, where it begins, pseudo-header) of a whole TCP or UDP packet, else None."""
    version = packet[0] >> 4 if len(packet) >= 20 else 0
    if version == 4:
        at, protocol = (packet[0] & 15) * 4, packet[9]
        if protocol not in _FIELD_AT or int.from_bytes(packet[6:8], "big") & _FRAGMENT:
            return None
        length = (len(packet) - at).to_bytes(2, "big")
        source, destination = packet[12:16], _destination(packet, at)
        return protocol, at, source + destination + bytes((0, protocol)) + length
    if version == 6 and len(packet) >= 40 and packet[6] in _FIELD_AT:
        ends = packet[8:24], packet[24:40]
        return packet[6], 40, ipv6_pseudo_header(*ends, len(packet) - 40, packet[6])
    return None


def _destination(packet: bytes, end: int) -> bytes:
    """Where an IPv4 packet ends up: where a source route leads, if it has one with hops to go.

    That is what a checksum is of (RFC 1122, section 3.2.1.8). The header ends at *end*.
    """
    at = 20
    while at < end and packet[at] != 0:
        length = 1 if packet[at] == 1 else packet[at + 1] if at + 1 < end else 0
        if not 0 < length <= end - at:
            break
        if packet[at] in _SOURCE_ROUTES and length >= 7 and packet[at + 2] <= length - 3:
            return packet[at + length - 4 : at + length]
        at += length
    return packet[16:20]
