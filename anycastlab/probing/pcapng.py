"""Write pcapng files (draft-ietf-opsawg-pcapng) with interface names and nanoseconds.

Scapy's writer knows microseconds only and wants one object a packet; the format is small.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

LINKTYPE_LINUX_SLL2 = 276
"""A packet after a 20-byte header, as tcpdump's `any` device has it; right for every interface."""

_SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6
_IF_NAME, _IF_TSRESOL, _NANOSECONDS = 2, 9, b"\x09"
_EPB_FLAGS, _INBOUND, _OUTBOUND = 2, 1, 2
_SNAPLEN = 262_144


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _options(*options: tuple[int, bytes]) -> bytes:
    each = [struct.pack("=HH", code, len(value)) + _padded(value) for code, value in options]
    return b"".join(each) + bytes(4)


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("=I", len(body) + 12)
    return struct.pack("=I", kind) + length + body + length


class PcapngWriter:
    """Writes one section to *file*; interfaces appear as packets of theirs come."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._interfaces: dict[str, int] = {}
        file.write(_block(_SECTION, struct.pack("=IHHq", 0x1A2B3C4D, 1, 0, -1)))

    def packet(self, interface: str, nanoseconds: int, data: bytes, *, outgoing: bool) -> None:
        """Add a packet: LINKTYPE_LINUX_SLL2 header and all, *nanoseconds* since 1970."""
        flags = struct.pack("=I", _OUTBOUND if outgoing else _INBOUND)
        number, length = self._interface(interface), len(data)
        fields = number, nanoseconds >> 32, nanoseconds & 0xFFFFFFFF, length, length
        head = struct.pack("=5I", *fields)
        body = head + _padded(data) + _options((_EPB_FLAGS, flags))
        self._file.write(_block(_PACKET, body))

    def _interface(self, name: str) -> int:
        if name not in self._interfaces:
            self._interfaces[name] = len(self._interfaces)
            head = struct.pack("=HHI", LINKTYPE_LINUX_SLL2, 0, _SNAPLEN)
            options = _options((_IF_NAME, name.encode()), (_IF_TSRESOL, _NANOSECONDS))
            self._file.write(_block(_INTERFACE, head + options))
        return self._interfaces[name]
