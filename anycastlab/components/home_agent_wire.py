"""Home agent address discovery (RFC 6275, sections 6.5 and 6.6), without the checksum.

A request is type 144, code 0, an identifier of 16 bits and as many zeros. The reply is type 145
with the same identifier and then the agents' global unicast addresses, the preferred one first.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from ipaddress import IPv6Address

REQUEST, REPLY = 144, 145

_HEAD = struct.Struct("!BBHHH")


def request(identifier: int) -> bytes:
    """A request, for a raw ICMPv6 socket: the kernel fills in the checksum."""
    return _HEAD.pack(REQUEST, 0, 0, identifier, 0)


def identifier_of(message: bytes, kind: int) -> int | None:
    """The identifier of a message of that type, None when it is none."""
    if len(message) < _HEAD.size or message[0] != kind or message[1]:
        return None
    return int(_HEAD.unpack_from(message)[3])


def reply(identifier: int, agents: Iterable[IPv6Address]) -> bytes:
    """The reply that names these agents."""
    return _HEAD.pack(REPLY, 0, 0, identifier, 0) + b"".join(agent.packed for agent in agents)


def agents_of(message: bytes) -> tuple[IPv6Address, ...]:
    """The addresses in a reply."""
    listed = message[_HEAD.size :]
    return tuple(IPv6Address(listed[at : at + 16]) for at in range(0, len(listed) - 15, 16))
