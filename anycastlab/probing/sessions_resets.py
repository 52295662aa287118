"""Who reset a session: taps in the members record every TCP reset (RFC 9293, 3.5.2) that leaves."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from ipaddress import ip_address
from typing import NamedTuple

from anycastlab.components.identity_wire import IDENTITY_PORT
from anycastlab.errors import UsageError
from anycastlab.kernel.bpf import (
    INTERFACE,
    PACKET_TYPE,
    Line,
    Program,
    any_bit,
    assemble,
    equal,
    here,
    keep,
    load_byte,
    load_half,
    load_word,
    mask,
)
from anycastlab.kernel.packet import HOST, LOOPBACK, OUTGOING, Tap, close_all, namespace_cookie
from anycastlab.probing.identify import RST, TCP
from anycastlab.probing.nodes import Nodes
from anycastlab.probing.taps import LostPacketsError

_KEPT = 60
_BUFFER = 4 << 20


class Ends(NamedTuple):
    """The two ends of a session: both packed addresses and the client's port."""

    client: bytes
    port: int
    service: bytes

    @classmethod
    def of(cls, sock: socket.socket) -> Ends:
        """The ends of a socket whose connection has been begun."""
        here, there = sock.getsockname(), sock.getpeername()
        return cls(ip_address(here[0]).packed, here[1], ip_address(there[0]).packed)


def _reset(head: int) -> list[Line]:
    """Judge what follows an IP header of *head* bytes; the protocol's number is loaded."""
    return [
        equal(TCP, otherwise="drop"),
        load_half(head),
        equal(IDENTITY_PORT, otherwise="drop"),
        load_byte(head + 13),
        any_bit(RST, then="keep", otherwise="drop"),
    ]


@cache
def _resets() -> Program:
    """Resets from the identity service's port, as they enter or leave by any link."""
    return assemble(
        load_word(PACKET_TYPE),
        equal(HOST, then="ours"),
        equal(OUTGOING, otherwise="drop"),
        here("ours"),
        load_word(INTERFACE),
        equal(LOOPBACK, then="drop"),
        load_byte(0),
        equal(0x45, then="v4"),
        mask(0xF0),
        equal(0x60, otherwise="drop"),
        load_byte(6),
        *_reset(40),
        here("v4"),
        load_byte(9),
        *_reset(20),
        here("keep"),
        keep(_KEPT),
        here("drop"),
        keep(0),
    )


class ResetTaps:
    """A tap in each of the *members* that is alive; one that comes back gets a new one.

    What a member sends between its return and :meth:`refresh` is not seen.
    """

    def __init__(self, nodes: Nodes, members: Iterable[str]) -> None:
        self._nodes = nodes
        self._taps: dict[str, list[Tap]] = {member: [] for member in members}
        self._sent: Counter[tuple[Ends, int, str]] = Counter()
        self.refresh()

    def refresh(self) -> None:
        """Open a tap in every member that lives and has none in its present namespace."""
        for member, taps in self._taps.items():
            cookie = self._cookie(member)
            if cookie is not None and all(tap.cookie != cookie for tap in taps):
                sock = self._nodes.socket(member, socket.AF_PACKET, socket.SOCK_DGRAM)
                taps.append(Tap(sock, _resets(), keep=_KEPT, buffer=_BUFFER))

    def _cookie(self, member: str) -> bytes | None:
        try:
            with self._nodes.socket(member, socket.AF_INET, socket.SOCK_DGRAM) as there:
                return namespace_cookie(there)
        except UsageError:  # it is dead
            return None

    def senders(self) -> Mapping[Ends, tuple[str, ...]]:
        """Return which members sent resets, by session; who passed one on did not send it.

        Raises LostPacketsError when a tap could not keep up.
        """
        for member, taps in self._taps.items():
            for tap in taps:
                self._take(member, tap)
                if lost := tap.lost():
                    raise LostPacketsError(member, lost)
        found: dict[Ends, dict[str, None]] = {}
        for ends, _sequence, member in +self._sent:
            found.setdefault(ends, {})[member] = None
        return {ends: tuple(members) for ends, members in found.items()}

    def _take(self, member: str, tap: Tap) -> None:
        for _, _, _, kind, _, _, _, _, data in tap.read():
            ends, sequence = _identify(data)
            self._sent[ends, sequence, member] += 1 if kind == OUTGOING else -1

    def close(self) -> None:
        """Close all taps together."""
        close_all([tap for taps in self._taps.values() for tap in taps])


def _identify(packet: bytes) -> tuple[Ends, int]:
    """The session a reset is about, and its sequence number."""
    head, size, at = (20, 4, 12) if packet[0] == 0x45 else (40, 16, 8)
    service, client = packet[at : at + size], packet[at + size : at + 2 * size]
    port = int.from_bytes(packet[head + 2 : head + 4], "big")
    return Ends(client, port, service), int.from_bytes(packet[head + 4 : head + 8], "big")
