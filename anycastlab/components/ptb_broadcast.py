"""Packet Too Big for everybody: what reaches one member of a group is told to all (RFC 7690, 3.2).

The router that complains sends to the service address, and the routing system takes the message to
the instance nearest to that router, not to the one that sent too big a packet. Each member hands
what it gets to all others, in a datagram to their own addresses, and those to their kernels: only
the one that has the connection takes heed. What comes from another member is not handed on.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, ClassVar

from pydantic import Field

from anycastlab.components.base import Component, Options, Place, Socket
from anycastlab.kernel.checksum import checksum, ipv6_pseudo_header
from anycastlab.kernel.packet import HOST
from anycastlab.topology.network import Address

PORT = 7690  # after the RFC; a choice of this lab
_ICMP, _ICMP6 = 1, 58
_UNREACHABLE, _FRAGMENTATION_NEEDED, _TOO_BIG = 3, 4, 2
_QUOTED = 576 + 60
_LARGEST = 2048
_AT_ONCE = 64


class BroadcastOptions(Options):
    """How much."""

    most: int = Field(1000, ge=1, le=100_000, description="Messages handed on in a second.")


class PtbBroadcast(Component):
    """Hands ICMP "too big" messages about service addresses to all members."""

    name: ClassVar[str] = "ptb-broadcast"
    serves: ClassVar[bool] = False
    options: ClassVar[type[Options]] = BroadcastOptions

    def __init__(self) -> None:
        self._place: Place | None = None
        self._wanted = BroadcastOptions()
        self._watched: list[Socket] = []
        self._inject: dict[int, Socket] = {}
        self._others: list[Address] = []
        self._services: frozenset[bytes] = frozenset()
        self._second, self._sent = 0, 0
        self._counts = {"handed_on": 0, "taken_over": 0, "policed": 0}

    def start(self, place: Place, options: Options) -> None:
        """Read messages from routers and from other members from now on."""
        assert isinstance(options, BroadcastOptions)
        self._place, self._wanted = place, options
        groups = [g for g in place.network.groups.values() if place.node in g.instances]
        members = dict.fromkeys(name for group in groups for name in group.instances)
        self._others = [place.network.nodes[m].ipv4 for m in members if m != place.node]
        self._services = frozenset(a.packed for group in groups for a in group.addresses)
        tap = place.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        peers = place.socket(socket.AF_INET, socket.SOCK_DGRAM)
        peers.bind((str(place.network.nodes[place.node].ipv4), PORT))
        for watched, ready in ((tap, self._heard), (peers, self._told)):
            watched.setblocking(False)
            place.watch(watched, ready)
            self._watched.append(watched)
        for version, family in ((4, socket.AF_INET), (6, socket.AF_INET6)):
            self._inject[version] = place.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)

    def stop(self) -> None:
        """Read no more."""
        for watched in self._watched:
            if self._place is not None:
                self._place.unwatch(watched)
        for each in (*self._watched, *self._inject.values()):
            each.close()
        self._watched, self._inject = [], {}

    def tell(self) -> Mapping[str, Any]:
        """How many messages were handed on, taken over from others, or too many."""
        return dict(self._counts)

    def _heard(self, tap: Socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                packet, where = tap.recvfrom(_LARGEST)
            except OSError:
                return
            # what another member told comes in by lo, and is not handed on again
            if where[0] != "lo" and where[2] == HOST and is_too_big(packet, self._services):
                self._hand_on(packet)

    def _hand_on(self, packet: bytes) -> None:
        now = int(time.monotonic())
        self._second, self._sent = now, self._sent if now == self._second else 0
        if self._sent >= self._wanted.most:
            self._counts["policed"] += 1
            return
        self._sent += 1
        self._counts["handed_on"] += 1
        for other in self._others:
            try:
                self._watched[1].sendto(packet[:_QUOTED], (str(other), PORT))
            except OSError:  # no way to that member now
                continue

    def _told(self, peers: Socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                packet, sender = peers.recvfrom(_LARGEST)
            except OSError:
                return
            known = any(str(other) == sender[0] for other in self._others)
            if known and is_too_big(packet, self._services):
                self._take_over(packet)

    def _take_over(self, packet: bytes) -> None:
        version = packet[0] >> 4
        to = ip_address(packet[16:20] if version == 4 else packet[24:40])
        try:
            self._inject[version].sendto(mended(packet), (str(to), 0))
        except OSError:  # this kernel does not want it; the next one may be better
            return
        self._counts["taken_over"] += 1


def is_too_big(packet: bytes, services: frozenset[bytes]) -> bool:
    """Whether an IP packet tells a service address that a packet it sent was too big."""
    if len(packet) < 48:
        return False
    if packet[0] >> 4 == 4:
        at = (packet[0] & 15) * 4
        message = packet[at : at + 2] == bytes((_UNREACHABLE, _FRAGMENTATION_NEEDED))
        return packet[9] == _ICMP and message and packet[16:20] in services
    return packet[6] == _ICMP6 and packet[40] == _TOO_BIG and packet[24:40] in services


def mended(packet: bytes) -> bytes:
    """The message with lengths and checksum of what is left of it."""
    if packet[0] >> 4 == 4:
        at = (packet[0] & 15) * 4
        body = packet[at : at + 2] + bytes(2) + packet[at + 4 :]
        return packet[:at] + body[:2] + checksum(body).to_bytes(2, "big") + body[4:]
    body = packet[40:42] + bytes(2) + packet[44:]
    pseudo = ipv6_pseudo_header(packet[8:24], packet[24:40], len(body), _ICMP6)
    body = body[:2] + checksum(pseudo + body).to_bytes(2, "big") + body[4:]
    return packet[:4] + len(body).to_bytes(2, "big") + packet[6:40] + body
