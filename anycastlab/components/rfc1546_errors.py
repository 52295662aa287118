"""ICMP errors about bound connections, told to the application's socket (RFC 1546 hand-over).

A router that complains of a packet to the instance quotes the instance's address (RFC 792, RFC
4443, section 3), and the client's kernel has no such connection: without this, path MTU discovery
of a bound connection would never work. nftables cannot do it, since the quoted packet stands
inside another one's checksum: each error is read from a raw socket, the service address put in
the quoted packet, and the whole sent again, to the node itself.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address

from anycastlab.components.base import Place, Socket
from anycastlab.kernel.checksum import checksum, ipv6_pseudo_header
from anycastlab.topology.network import Address

Bound = Callable[[Address, int, int], Address | None]
"""(an instance's address, local port, its port) -> the service address; None: not bound."""

_TCP, _ICMP6 = 6, 58
_ERRORS4 = frozenset((3, 11, 12))
_ERRORS6 = frozenset((1, 2, 3, 4))
_AT_ONCE = 64
_LARGEST = 2048


@dataclass(frozen=True, slots=True)
class Shape:
    """Where things stand in a quoted packet of one family (RFC 791, RFC 8200)."""

    protocol: int
    destination: slice

    def ports(self, quoted: bytes) -> int:
        """Where TCP begins; an IPv4 header may have options."""
        return (quoted[0] & 15) * 4 if self.protocol == 9 else 40


V4 = Shape(9, slice(16, 20))
V6 = Shape(6, slice(24, 40))


def retold(quoted: bytes, shape: Shape, bound: Bound) -> bytes | None:
    """The quoted packet as the application's socket knows it, None if that knows it already."""
    at = shape.ports(quoted) if quoted else 0
    if len(quoted) < max(at, 20) + 4 or quoted[shape.protocol] != _TCP:
        return None
    here, there = (int.from_bytes(quoted[at + i : at + i + 2], "big") for i in (0, 2))
    service = bound(ip_address(quoted[shape.destination]), here, there)
    if service is None:
        return None
    told = bytearray(quoted)
    told[shape.destination] = service.packed
    if shape is V4:
        told[10:12] = bytes(2)
        told[10:12] = checksum(bytes(told[:at])).to_bytes(2, "big")
    return bytes(told)


class ErrorRelay:
    """Reads a node's ICMP errors, and sends those about bound connections again, retold."""

    def __init__(self, place: Place, bound: Bound) -> None:
        self._place, self._bound = place, bound
        self.relayed = 0
        self._senders: list[Socket] = []
        self._watched: list[Socket] = []
        for family, protocol, ready in (
            (socket.AF_INET, socket.IPPROTO_ICMP, self._read4),
            (socket.AF_INET6, _ICMP6, self._read6),
        ):
            reader = place.socket(family, socket.SOCK_RAW, protocol)
            reader.setblocking(False)
            place.watch(reader, ready)
            self._watched.append(reader)
            self._senders.append(place.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW))
        # Linux tells a raw ICMPv6 socket of no destination unless asked (RFC 3542, section 6.1)
        self._watched[1].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)

    def close(self) -> None:
        """Read no more."""
        for watched in self._watched:
            self._place.unwatch(watched)
        for each in (*self._watched, *self._senders):
            each.close()

    def _read4(self, reader: Socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                packet = reader.recv(_LARGEST)
            except OSError:
                return
            head = (packet[0] & 15) * 4
            if packet[head] in _ERRORS4:
                self._relay4(packet[:head], packet[head:])

    def _relay4(self, outer: bytes, message: bytes) -> None:
        told = retold(message[8:], V4, self._bound)
        if told is None:
            return
        body = message[:2] + bytes(2) + message[4:8] + told
        body = body[:2] + checksum(body).to_bytes(2, "big") + body[4:]
        self._senders[0].sendto(outer + body, (socket.inet_ntoa(outer[16:20]), 0))
        self.relayed += 1

    def _read6(self, reader: Socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                message, ancillary, _flags, sender = reader.recvmsg(_LARGEST, 64)
            except OSError:
                return
            if message and message[0] in _ERRORS6 and ancillary:
                source = ip_address(sender[0].partition("%")[0]).packed
                self._relay6(source, ancillary[0][2][:16], message)

    def _relay6(self, source: bytes, destination: bytes, message: bytes) -> None:
        told = retold(message[8:], V6, self._bound)
        if told is None:
            return
        body = message[:2] + bytes(2) + message[4:8] + told
        pseudo = ipv6_pseudo_header(source, destination, len(body), _ICMP6)
        body = body[:2] + checksum(pseudo + body).to_bytes(2, "big") + body[4:]
        outer = b"\x60\0\0\0" + len(body).to_bytes(2, "big") + bytes((_ICMP6, 64))
        to = socket.inet_ntop(socket.AF_INET6, destination)
        self._senders[1].sendto(outer + source + destination + body, (to, 0))
        self.relayed += 1
