"""A small TCP server for components: accepts, reads and writes without ever waiting."""

from __future__ import annotations

import socket
import struct
from abc import ABC, abstractmethod
from collections.abc import Callable

from anycastlab.components.base import Component, Place

_AT_MOST = 4096
"""Connections at a time; more are closed at once."""
_READ = 1 << 16
_BACKLOG = 1 << 20
"""Bytes that may wait for a slow reader before its connection is closed."""
_ABORT = struct.pack("ii", 1, 0)  # SO_LINGER


class Session(ABC):
    """One connection's protocol: what it says first, and what it answers.

    When ``over``, the server closes as soon as everything is said.
    """

    over = False

    def greeting(self) -> bytes:
        """What the server says before it has read anything."""
        return b""

    @abstractmethod
    def answer(self, data: bytes) -> bytes | None:
        """What the server says to *data*; None ends the connection."""

    def more(self) -> bytes:
        """What the server says when all it said has left: the next piece of a long answer."""
        return b""


class _Connection:
    """A peer; *gone* is called once, when it is closed."""

    def __init__(
        self,
        place: Place,
        peer: socket.socket,
        session: Session,
        gone: Callable[[_Connection], None],
    ) -> None:
        self._place, self._peer, self._session, self._gone = place, peer, session, gone
        self._waiting = bytearray(session.greeting())
        self._last, self._watched_for = False, (True, False)

    def begin(self) -> None:
        """Say the greeting, and wait for what the peer says."""
        self._place.watch(self._peer, self._ready)
        self._ready(self._peer)

    def _ready(self, _peer: socket.socket) -> None:
        try:
            if not self._last:
                self._read()
            self._write()
        except OSError:  # reset, timed out or unreachable: the peer is lost, the service goes on
            self.close()
            return
        self._waiting += b"" if self._waiting else self._session.more()
        said = not self._waiting
        if (said and (self._last or self._session.over)) or len(self._waiting) > _BACKLOG:
            self.close()
            return
        reading, writing = wanted = not self._last, not said
        if wanted != self._watched_for:
            self._watched_for = wanted
            self._place.watch(self._peer, self._ready, writing, reading)

    def _read(self) -> None:
        try:
            data = self._peer.recv(_READ)
        except BlockingIOError:
            return
        answer = self._session.answer(data) if data else None
        if answer is None:
            self._last = True
        else:
            self._waiting += answer

    def _write(self) -> None:
        try:
            while self._waiting:
                del self._waiting[: self._peer.send(self._waiting)]
        except BlockingIOError:
            return

    def close(self) -> None:
        """End the connection; what was said is still delivered."""
        self._place.unwatch(self._peer)
        self._peer.close()
        self._gone(self)

    def abort(self) -> None:
        """Reset the connection: one that closes slowly would hold a killed node's namespace."""
        self._peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
        self.close()


class TcpServer(Component):
    """A component that serves TCP on one port of both families."""

    def __init__(self) -> None:
        self._place: Place | None = None
        self._listener: socket.socket | None = None
        self._open: set[_Connection] = set()

    @abstractmethod
    def session(self, asked: str) -> Session:
        """A new connection's protocol; *asked* is the address it was made to."""

    def listen(self, place: Place, port: int) -> None:
        """Begin to accept connections on *port*."""
        self._place = place
        listener = place.socket(socket.AF_INET6, socket.SOCK_STREAM)
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setblocking(False)
        listener.bind(("::", port))
        listener.listen(_AT_MOST)
        place.watch(listener, self._accept)
        self._listener = listener

    def _accept(self, listener: socket.socket) -> None:
        assert self._place is not None
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:  # nobody is left, or the one who was has gone, or no descriptor is free
                return
            if len(self._open) >= _AT_MOST:
                peer.close()
                continue
            peer.setblocking(False)
            asked = peer.getsockname()[0].removeprefix("::ffff:")
            connection = _Connection(self._place, peer, self.session(asked), self._open.discard)
            self._open.add(connection)
            connection.begin()

    def stop(self) -> None:
        """Close the listener and reset every connection."""
        for connection in list(self._open):
            connection.abort()
        if self._listener is not None and self._place is not None:
            self._place.unwatch(self._listener)
            self._listener.close()
            self._listener = None
