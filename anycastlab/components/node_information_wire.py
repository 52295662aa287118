"""IPv6 Node Information messages (RFC 4620, section 4): a query, and the reply with its nonce.

=====  =====  ==================================================
at     bytes  what
=====  =====  ==================================================
0      1      type: 139 query, 140 reply
1      1      code; of a query: what the subject is (0: IPv6)
2      2      checksum, the kernel's matter
4      2      qtype
6      2      flags
8      8      nonce
16            the query's subject, or the reply's data
=====  =====  ==================================================
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

QUERY, REPLY = 139, 140
SUBJECT_IPV6, SUBJECT_NAME, SUBJECT_IPV4 = 0, 1, 2
SUCCESS, REFUSED, UNKNOWN = 0, 1, 2
NOOP, NODE_NAME, NODE_ADDRESSES, IPV4_ADDRESSES = 0, 2, 3, 4
TRUNCATED, ALL_INTERFACES, LINK_LOCAL, GLOBAL = 0x01, 0x02, 0x08, 0x20

_HEAD = struct.Struct("!BBHHH8s")
NO_TTL = bytes(4)


@dataclass(frozen=True, slots=True)
class Message:
    """One message, its checksum left out."""

    kind: int
    code: int
    qtype: int
    flags: int
    nonce: bytes
    data: bytes = b""

    def packed(self) -> bytes:
        """The bytes of it, for a raw ICMPv6 socket: the kernel fills in the checksum."""
        fields = self.kind, self.code, 0, self.qtype, self.flags, self.nonce
        return _HEAD.pack(*fields) + self.data

    @classmethod
    def read(cls, message: bytes) -> Message | None:
        """The message in these bytes, None when they are none."""
        if len(message) < _HEAD.size or message[0] not in (QUERY, REPLY):
            return None
        kind, code, _checksum, qtype, flags, nonce = _HEAD.unpack_from(message)
        return cls(kind, code, qtype, flags, nonce, message[_HEAD.size :])

    def addresses(self) -> tuple[IPv6Address, ...]:
        """The addresses in a reply about them: each stands after four bytes of TTL."""
        entries = [self.data[at + 4 : at + 20] for at in range(0, len(self.data) - 19, 20)]
        return tuple(map(IPv6Address, entries))


def address_data(addresses: Iterable[IPv4Address | IPv6Address]) -> bytes:
    """The data of a reply about addresses."""
    return b"".join(NO_TTL + address.packed for address in addresses)


def name_data(name: str) -> bytes:
    """The data of a reply about a name that is one label: it ends in two empty ones."""
    label = name.encode()[:63]
    return NO_TTL + bytes((len(label),)) + label + bytes(2)


def subject_name(data: bytes) -> str:
    """The first label of a query's subject, '' when it is none (RFC 1035, section 3.1)."""
    length = data[0] if data else 0
    return data[1 : 1 + length].decode(errors="replace") if length < 64 else ""
