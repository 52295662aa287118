"""QUIC sessions of a client: like the TCP ones, but they follow a server's preferred address."""

from __future__ import annotations

import socket
import ssl
import time
from typing import Any

from anycastlab.components.quic import ALPN, PORT
from anycastlab.errors import ProgramError
from anycastlab.probing.nodes import Nodes
from anycastlab.probing.plan import address_family
from anycastlab.probing.sessions_loop import Connection

_LARGEST = 2048
_IDLE = 60.0
"""Seconds of silence a session bears by itself; how long it is waited for is the plan's matter."""


class QuicConnection(Connection):
    """One session over QUIC; a stateless reset (RFC 9000, section 10.3) ends it as one of TCP."""

    ticks = True

    def _make(self, nodes: Nodes) -> socket.socket:
        return nodes.socket(self.flow.client, address_family(self.flow.family), socket.SOCK_DGRAM)

    def _connect(self, address: str) -> None:
        configuration = _configuration()
        from aioquic.quic.connection import QuicConnection as Sansio

        self._quic: Any = Sansio(configuration=configuration)
        self._stream: int | None = None
        self._quic.connect((address, PORT), now=time.monotonic())
        self._flush()

    def _transmit(self, line: bytes) -> None:
        self._quic.send_stream_data(self._stream, line)
        self._flush()

    def receive(self) -> bool:
        """Read what has come; return whether that completes the name or a line."""
        try:
            while True:
                data, sender = self.socket.recvfrom(_LARGEST)
                if self._resets(data):
                    self._end("reset" if self.phase == "open" else "refused")
                    return False
                self._quic.receive_datagram(data, sender[:2], time.monotonic())
        except BlockingIOError:
            pass
        except OSError:  # an ICMP error: QUIC goes on until nothing comes any more
            pass
        return self._events()

    def _resets(self, data: bytes) -> bool:
        """Whether a datagram is a stateless reset: it ends in a token we were given; the library
        looks at none."""
        known = [self._quic._peer_cid, *self._quic._peer_cid_available]
        return any(cid.stateless_reset_token == data[-16:] for cid in known)

    def tick(self, now: float) -> None:
        """Let the protocol's timers expire."""
        due = self._quic.get_timer()
        if due is not None and due <= now:
            self._quic.handle_timer(now)
            self._events()

    def _events(self) -> bool:
        from aioquic.quic import events

        complete = False
        while (event := self._quic.next_event()) is not None:
            if isinstance(event, events.HandshakeCompleted):
                self._stream = self._quic.get_next_available_stream_id()
                self._quic.send_stream_data(self._stream, b"\n")
            elif isinstance(event, events.StreamDataReceived):
                self._heard += event.data
                complete = self._understand() or complete
            elif isinstance(event, events.ConnectionTerminated):
                self._end("refused" if self.phase == "opening" else "closed")
        self._flush()
        return complete

    def _greeted(self) -> bool:
        # the newline that asked for the name comes back after it
        name, newline, rest = self._heard.partition(b"\n")
        if not newline or not rest:
            return False
        self._open(name, rest[1:])
        return True

    def _flush(self) -> None:
        for data, receiver in self._quic.datagrams_to_send(time.monotonic()):
            try:
                self.socket.sendto(data, receiver)
            except OSError:  # no way there now: lost, as on any network
                continue


def require() -> None:
    """Raise ProgramError unless the library is there."""
    try:
        import aioquic.quic.configuration  # noqa: F401
    except ModuleNotFoundError:
        raise ProgramError("aioquic is not installed", "pip install 'anycastlab[quic]'") from None


def _configuration() -> Any:
    from aioquic.quic.configuration import QuicConfiguration

    return QuicConfiguration(
        is_client=True, alpn_protocols=[ALPN], verify_mode=ssl.CERT_NONE, idle_timeout=_IDLE
    )
