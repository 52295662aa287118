"""HTTP/3 (RFC 9114) on a connection of the component ``quic``: it answers as ``http`` does.

``/bytes/N`` is N bytes, the same from every instance; all else is the instance's name.
"""

from __future__ import annotations

from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import HeadersReceived
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import QuicEvent

from anycastlab.components.http import BYTES, PATTERN

__all__ = ["H3_ALPN", "Http3"]

_LONGEST = 1 << 27
"""Bytes: an answer is held in memory until it is acknowledged."""


class Http3:
    """The requests of one connection."""

    def __init__(self, quic: QuicConnection, instance: str) -> None:
        self._http, self._instance = H3Connection(quic), instance

    def hear(self, event: QuicEvent) -> None:
        """Answer each request that is complete with its headers; a body is not listened to."""
        for heard in self._http.handle_event(event):
            if isinstance(heard, HeadersReceived):
                self._answer(heard.stream_id, dict(heard.headers).get(b":path", b"/"))

    def _answer(self, stream: int, path: bytes) -> None:
        long = BYTES.fullmatch(path)
        body = f"{self._instance}\n".encode()
        if long is not None and int(long[1]) <= _LONGEST:
            size = int(long[1])
            body = (PATTERN * (size // len(PATTERN) + 1))[:size]
        headers = [
            (b":status", b"200"),
            (b"server", self._instance.encode()),
            (b"content-length", str(len(body)).encode()),
        ]
        self._http.send_headers(stream, headers)
        self._http.send_data(stream, body, end_stream=True)
