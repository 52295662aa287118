"""A small TCP server for components: accepts, reads and writes without ever waiting."""

from __future__ import annotations

import socket
from abc import ABC, abstractmethod

from anycastlab.components.base import Component, Place

_AT_MOST = 4096
"""Connections at a time; more are closed at once."""
_READ = 1 << 16
_BACKLOG = 1 << 20
"""Bytes that may wait for a slow reader before its connection is closed."""


class Session(ABC):
    """One connection's protocol: what it says first, and what it answers."""

    def greeting(self) -> bytes:
        """What the server says before it has read anything."""
        return b""

    @abstractmethod
    def answer(self, data: bytes) -> bytes | None:
        """What the server says to *data*; None ends the connection."""


class _Connection:
    def __init__(self, place: Place, peer: socket.socket, session: Session) -> None:
        self._place, self._peer, self._session = place, peer, session
        self._waiting = bytearray(session.greeting())
        self._last = False

    def begin(self) -> None:
        self._flush()

    def ready(self, _peer: socket.socket) -> None:
        try:
            if not self._last:
                self._read()
            self._flush()
        except (ConnectionError, TimeoutError):
            self.close()

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

    def _flush(self) -> None:
        try:
            while self._waiting:
                del self._waiting[: self._peer.send(self._waiting)]
        except BlockingIOError:
            pass
        except OSError:
            self.close()
            return
        if (self._last and not self._waiting) or len(self._waiting) > _BACKLOG:
            self.close()
        else:
            self._place.watch(self._peer, self.ready, writable=bool(self._waiting))

    def close(self) -> None:
        if self._peer.fileno() >= 0:
            self._place.unwatch(self._peer)
            self._peer.close()


class TcpServer(Component):
    """A component that serves TCP on one port of both families."""

    def __init__(self) -> None:
        self._place: Place | None = None
        self._listener: socket.socket | None = None
        self._open: list[_Connection] = []

    @abstractmethod
    def session(self) -> Session:
        """A new connection's protocol."""

    def listen(self, place: Place, port: int) -> None:
        """Begin to accept connections on *port*."""
        self._place = place
        listener = place.socket(socket.AF_INET6, socket.SOCK_STREAM)
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setblocking(False)
        listener.bind(("::", port))
        listener.listen(1024)
        place.watch(listener, self._accept)
        self._listener = listener

    def _accept(self, listener: socket.socket) -> None:
        assert self._place is not None
        self._open = [c for c in self._open if c._peer.fileno() >= 0]
        try:
            while True:
                peer, _ = listener.accept()
                if len(self._open) >= _AT_MOST:
                    peer.close()
                    continue
                peer.setblocking(False)
                connection = _Connection(self._place, peer, self.session())
                self._place.watch(peer, connection.ready)
                self._open.append(connection)
                connection.begin()
        except (BlockingIOError, ConnectionError):
            return

    def stop(self) -> None:
        """Close the listener and every connection."""
        for connection in self._open:
            connection.close()
        if self._listener is not None and self._place is not None:
            self._place.unwatch(self._listener)
            self._listener.close()
        self._listener, self._open = None, []
