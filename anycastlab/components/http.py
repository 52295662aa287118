"""A small HTTP service: the instance's name, long answers, and a way from anycast to unicast.

A redirect is the article's "resolve, then connect" in HTTP: the service address answers with the
instance's own, and only requests before that are exposed to a shift of the catchment (RFC 9110,
section 15.4; RFC 7838 for ``Alt-Svc``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from anycastlab.components.base import Options, Place
from anycastlab.components.http_page import page
from anycastlab.components.tcp import Session, TcpServer
from anycastlab.topology.network import Address

_HEAD_LIMIT = 16_384
_PIECE = 1 << 18
_LONGEST = 1 << 32
BYTES = re.compile(rb"/bytes/([0-9]{1,10})")
"""The path that asks for so many bytes."""
_PAGE = re.compile(rb"/page/([0-9]{1,10})")
_REASON = {200: "OK", 307: "Temporary Redirect", 308: "Permanent Redirect", 400: "Bad Request"}
PATTERN = bytes(range(256)) * (_PIECE // 256)
"""What ``/bytes/N`` repeats: every instance has the same."""


class HttpOptions(Options):
    """Where the service listens, and where it sends its clients."""

    port: int = Field(80, ge=1, le=65535, description="The TCP port.")
    redirect: Literal[307, 308] | None = Field(
        None, description="Redirect from a service address to the instance's own, so."
    )
    alt_svc: bool = Field(
        False, alias="alt-svc", description="Tell the instance's own address by Alt-Svc."
    )

    def claims(self) -> Iterable[str]:
        """The port."""
        return (f"TCP port {self.port}",)


class Http(TcpServer):
    """Answers GET and HEAD: ``/bytes/N`` with N bytes, all else with the instance's name.

    ``/page/N`` is a page whose script downloads those bytes in a browser.
    """

    name: ClassVar[str] = "http"
    options: ClassVar[type[Options]] = HttpOptions

    def __init__(self) -> None:
        super().__init__()
        self.instance = ""
        self.wanted = HttpOptions()
        self.counts = {"requests": 0, "redirected": 0}
        self._own: dict[int, Address] = {}
        self._services: set[str] = set()

    def start(self, place: Place, options: Options) -> None:
        """Listen on both families."""
        assert isinstance(options, HttpOptions)
        self.instance, self.wanted = place.node, options
        node = place.network.nodes[place.node]
        self._own = {4: node.ipv4, 6: node.ipv6}
        self._services = {
            str(address) for group in place.network.groups.values() for address in group.addresses
        }
        self.listen(place, options.port)

    def session(self, asked: str) -> Session:
        """A new connection."""
        return _Exchange(self, asked)

    def tell(self) -> Mapping[str, Any]:
        """How many requests there were, and how many of them were redirected."""
        return dict(self.counts)

    def elsewhere(self, asked: str) -> str | None:
        """The instance's own ``host[:port]`` for whoever asked a service address, else None.

        Whoever asks the instance itself is never sent on: no redirect leads to another.
        """
        if asked not in self._services:
            return None
        own = self._own[6 if ":" in asked else 4]
        host = f"[{own}]" if own.version == 6 else str(own)
        return host if self.wanted.port == 80 else f"{host}:{self.wanted.port}"


class _Exchange(Session):
    """One request, one answer (RFC 9112), then the end."""

    def __init__(self, service: Http, asked: str) -> None:
        self._service, self._asked = service, asked
        self._head = b""
        self._left = 0

    def answer(self, data: bytes) -> bytes | None:
        if self.over or self._left:
            return b""
        self._head += data
        if len(self._head) > _HEAD_LIMIT:
            return None
        end = self._head.find(b"\r\n\r\n")
        return b"" if end < 0 else self._answer(self._head[:end])

    def _answer(self, head: bytes) -> bytes:
        self._service.counts["requests"] += 1
        words = head.split(b"\r\n", 1)[0].split(b" ")
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
            return self._said(400, b"what is that?\n")
        method, target, _ = words
        there, redirect = self._service.elsewhere(self._asked), self._service.wanted.redirect
        if there is not None and redirect is not None:
            self._service.counts["redirected"] += 1
            path = target.decode("latin-1") if target.startswith(b"/") else "/"
            return self._said(redirect, b"", (f"Location: http://{there}{path}",))
        long = BYTES.fullmatch(target)
        if long is not None and int(long[1]) <= _LONGEST:
            return self._long(int(long[1]), method == b"HEAD")
        paged = _PAGE.fullmatch(target)
        if paged is not None:
            body = page(self._service.instance, int(paged[1]))
            return self._said(200, body, empty=method == b"HEAD", kind="text/html")
        body = f"{self._service.instance}\n".encode()
        return self._said(200, body, self._alternative(there), empty=method == b"HEAD")

    def _alternative(self, there: str | None) -> tuple[str, ...]:
        if there is None or not self._service.wanted.alt_svc:
            return ()
        authority = there if self._service.wanted.port != 80 else f"{there}:80"
        return (f'Alt-Svc: http%2F1.1="{authority}"; ma=60',)

    def _said(
        self,
        status: int,
        body: bytes,
        more: tuple[str, ...] = (),
        empty: bool = False,
        kind: str = "text/plain",
    ) -> bytes:
        self.over = True
        return self._headers(status, len(body), *more, kind=kind) + (b"" if empty else body)

    def _long(self, size: int, empty: bool) -> bytes:
        self._left = 0 if empty else size
        self.over = not self._left
        return self._headers(200, size)

    def _headers(self, status: int, length: int, *more: str, kind: str = "text/plain") -> bytes:
        lines = (
            f"HTTP/1.1 {status} {_REASON[status]}",
            f"Content-Type: {kind}",
            f"Server: {self._service.instance}",
            f"Content-Length: {length}",
            "Connection: close",
            *more,
        )
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def more(self) -> bytes:
        piece = PATTERN[: self._left] if self._left < _PIECE else PATTERN
        self._left -= len(piece)
        self.over = self.over or (bool(piece) and not self._left)
        return piece
