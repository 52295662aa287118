"""The pinning option: an IPv4 option that ties an anycast address to an instance's unicast one.

The article tells of it (Basturk et al., IBM); its real layout was not published, so this one is the
lab's own: 158 is an experimental option number of RFC 4727 with the copy bit set.

=====  =====  ==========================================
at     bytes  what
=====  =====  ==========================================
0      1      type 158
1      1      length 8
2      1      version 1
3      1      reserved 0
4      4      the unicast address
=====  =====  ==========================================
"""

from __future__ import annotations

from ipaddress import IPv4Address

from anycastlab.kernel.checksum import checksum

OPTION, LENGTH, VERSION = 158, 8, 1
HEAD = bytes((OPTION, LENGTH, VERSION, 0))
_END, _NOP = 0, 1
_HEADER = 20


def pinned(packet: bytes, unicast: IPv4Address) -> bytes:
    """An IPv4 packet with the option first of all; as it is if there is no room for it."""
    size = (packet[0] & 15) * 4
    if size + LENGTH > 60 or len(packet) + LENGTH > 0xFFFF:
        return packet
    head = bytearray(packet[:_HEADER] + HEAD + unicast.packed + packet[_HEADER:size])
    head[0] = 0x40 | (size + LENGTH) // 4
    head[2:4] = (len(packet) + LENGTH).to_bytes(2, "big")
    head[10:12] = bytes(2)
    head[10:12] = checksum(bytes(head)).to_bytes(2, "big")
    return bytes(head) + packet[size:]


def unpinned(packet: bytes) -> bytes | None:
    """What *pinned* was given; None for what it did not make. The packet may be cut short."""
    size = (packet[0] & 15) * 4 if packet else 0
    if size < _HEADER + LENGTH or len(packet) < size or packet[_HEADER : _HEADER + 4] != HEAD:
        return None
    head = bytearray(packet[:_HEADER] + packet[_HEADER + LENGTH : size])
    head[0] = 0x40 | (size - LENGTH) // 4
    head[2:4] = max(0, int.from_bytes(packet[2:4], "big") - LENGTH).to_bytes(2, "big")
    head[10:12] = bytes(2)
    head[10:12] = checksum(bytes(head)).to_bytes(2, "big")
    return bytes(head) + packet[size:]


def pin_of(packet: bytes) -> IPv4Address | None:
    """The unicast address in a packet's option; None without one, or with one that is malformed."""
    size = (packet[0] & 15) * 4 if packet else 0
    options, at = packet[_HEADER:size], 0
    while at < len(options) and options[at] != _END:
        if options[at] == _NOP:
            at += 1
            continue
        length = options[at + 1] if at + 1 < len(options) else 0
        if length < 2 or at + length > len(options):
            return None
        if options[at] == OPTION:
            whole = options[at : at + length]
            return IPv4Address(whole[4:8]) if whole[:4] == HEAD and length == LENGTH else None
        at += length
    return None
