"""A small HTTP service that answers every request with the instance's name."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from anycastlab.components.base import Options, Place
from anycastlab.components.tcp import Session, TcpServer

_HEAD_LIMIT = 16_384


class HttpOptions(Options):
    """Where the service listens."""

    port: int = Field(80, ge=1, le=65535, description="The TCP port.")


class _Exchange(Session):
    """One request, one answer (RFC 9112), then the end."""

    def __init__(self, instance: str) -> None:
        self._instance = instance
        self._head = b""

    def answer(self, data: bytes) -> bytes | None:
        if self.over:
            return b""
        self._head += data
        if len(self._head) > _HEAD_LIMIT:
            return None
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            return b""
        body = f"{self._instance}\n".encode()
        head = self._head[:end].split(b" ", 1)[0] == b"HEAD"
        self.over = True
        return b"".join(
            (
                b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n",
                f"Server: {self._instance}\r\nContent-Length: {len(body)}\r\n\r\n".encode(),
                b"" if head else body,
            )
        )


class Http(TcpServer):
    """Answers GET with the instance's name."""

    name: ClassVar[str] = "http"
    options: ClassVar[type[Options]] = HttpOptions

    def __init__(self) -> None:
        super().__init__()
        self._instance = ""

    def start(self, place: Place, options: Options) -> None:
        """Listen on both families."""
        assert isinstance(options, HttpOptions)
        self._instance = place.node
        self.listen(place, options.port)

    def session(self) -> Session:
        """A new connection."""
        return _Exchange(self._instance)
