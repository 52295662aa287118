"""The identity service: every server says its name, over UDP and over TCP.

What a client is told can so be compared with who received its packet. The answer leaves from the
address that was asked: over UDP that takes IPV6_PKTINFO (RFC 3542, section 6). Only an address of
mode rfc2373 is never a source (RFC 2373, section 2.6): then the kernel takes a unicast address.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import ClassVar

from pydantic import Field

from anycastlab.components import identity_wire as wire
from anycastlab.components.base import Options, Place
from anycastlab.components.tcp import Session, TcpServer

_AT_ONCE = 256
"""Datagrams answered before others in the loop get their turn."""


class IdentityOptions(Options):
    """Where the identity service listens."""

    port: int = Field(wire.IDENTITY_PORT, ge=1, le=65535, description="The UDP and TCP port.")

    def claims(self) -> Iterable[str]:
        """The port, of both."""
        return (f"UDP port {self.port}", f"TCP port {self.port}")


class _Conversation(Session):
    """Says the instance's name, then echoes."""

    def __init__(self, instance: str) -> None:
        self._instance = instance

    def greeting(self) -> bytes:
        return self._instance.encode() + b"\n"

    def answer(self, data: bytes) -> bytes:
        return data


class Identity(TcpServer):
    """Answers with the instance's name."""

    name: ClassVar[str] = "identity"
    options: ClassVar[type[Options]] = IdentityOptions

    def __init__(self) -> None:
        super().__init__()
        self._instance = ""
        self._formal: frozenset[bytes] = frozenset()
        self._datagrams: socket.socket | None = None

    def start(self, place: Place, options: Options) -> None:
        """Listen on both families."""
        assert isinstance(options, IdentityOptions)
        self._instance = place.node
        self._formal = frozenset(
            address.packed for group in place.network.groups.values() for address in group.formal
        )
        self.listen(place, options.port)
        datagrams = place.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        datagrams.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        datagrams.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        datagrams.setblocking(False)
        datagrams.bind(("::", options.port))
        place.watch(datagrams, self._answer)
        self._datagrams = datagrams

    def session(self, asked: str) -> Session:
        """A new TCP connection."""
        return _Conversation(self._instance)

    def _answer(self, datagrams: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                request, ancillary, _flags, asker = datagrams.recvmsg(2048, 64)
                answer = wire.answer(request, self._instance)
                if answer is not None:
                    datagrams.sendmsg([answer], _from_asked(ancillary, self._formal), 0, asker)
            except BlockingIOError:
                return
            except OSError:  # this asker cannot be answered; the next one may
                continue

    def stop(self) -> None:
        """Close everything."""
        if self._datagrams is not None and self._place is not None:
            self._place.unwatch(self._datagrams)
            self._datagrams.close()
            self._datagrams = None
        super().stop()


def _from_asked(
    ancillary: list[tuple[int, int, bytes]], never: frozenset[bytes]
) -> list[tuple[int, int, bytes]]:
    """Ask the kernel to send from the address a datagram was sent to, by whatever interface.

    Addresses in *never* are no sources.
    """
    return [
        (level, kind, data[:16] + bytes(4))
        for level, kind, data in ancillary
        if (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO) and data[:16] not in never
    ]
