"""What a raw ICMPv6 socket receives (RFC 3542, section 3.2)."""

from __future__ import annotations

import struct
from socket import IPPROTO_ICMPV6, socket

_FILTER = 1  # ICMP6_FILTER


def only(sock: socket, *types: int) -> None:
    """Let a raw ICMPv6 socket receive messages of these types alone: one bit blocks each."""
    blocked = [0xFFFFFFFF] * 8
    for one in types:
        blocked[one >> 5] &= ~(1 << (one & 31))
    sock.setsockopt(IPPROTO_ICMPV6, _FILTER, struct.pack("8I", *blocked))
