"""A rtnetlink socket in one namespace: batches of prepared messages, and dumps."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence

from anycastlab.kernel.namespace import open_socket, returning_home
from anycastlab.kernel.syscalls import CLONE_NEWNET, setns

_HEADER = struct.Struct("=IHHII")
_ERRNO = struct.Struct("=i")
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_NLM_F_REQUEST, _NLM_F_ACK, _NLM_F_DUMP = 1, 4, 0x300
_CHUNK = 160_000
"""Bytes a send: below the default send buffer of a socket."""
_TOLERANT_CHUNK = 8_000
"""The same where errors are expected: each takes its room in the receive buffer."""
_LAST = 0x7FFFFFFF


class NetlinkError(OSError):
    """The kernel refused a message: its errno, the kernel's own words if any, and the message."""

    def __init__(self, number: int, text: str, request: bytes) -> None:
        self.request = request
        super().__init__(number, text or os.strerror(number))


class Netlink:
    """A rtnetlink socket opened inside a namespace (the caller's own when none is given)."""

    def __init__(self, namespace: int | None = None, groups: int = 0) -> None:
        family, kind = socket.AF_NETLINK, socket.SOCK_RAW
        if namespace is None:
            self.socket = socket.socket(family, kind | socket.SOCK_CLOEXEC, 0)
        else:
            self.socket = open_socket(namespace, family, kind, 0)
        if groups:
            self.socket.bind((0, groups))

    def __enter__(self) -> Netlink:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()

    def send(
        self, messages: Sequence[bytes], tolerate: Iterable[int] = (), chunk: int | None = None
    ) -> None:
        """Send *messages* in order, and return when the kernel has carried all of them out.

        Only the last message of a chunk asks for an acknowledgement; errors come unasked and
        before it. Raises NetlinkError for the first error whose number is not in *tolerate*; the
        rest of its chunk has been carried out by then.
        """
        tolerated = frozenset(tolerate)
        self.carry_out(prepare(messages, tolerant=bool(tolerated), chunk=chunk), tolerated)

    def carry_out(self, prepared: Iterable[bytes], tolerate: Iterable[int] = ()) -> None:
        """Do what :meth:`send` does, with messages from :func:`prepare`."""
        tolerated = frozenset(tolerate)
        for part in prepared:
            self.socket.send(part)
            error = self._collect(tolerated)
            if error is not None:
                raise error

    def _collect(self, tolerated: frozenset[int]) -> NetlinkError | None:
        first: NetlinkError | None = None
        while True:
            for kind, _flags, sequence, payload in split(self.socket.recv(1 << 16)):
                if kind != _NLMSG_ERROR:
                    continue
                number = -_ERRNO.unpack_from(payload)[0]
                if number and number not in tolerated and first is None:
                    first = NetlinkError(number, "", payload[4:])
                if sequence == _LAST:
                    return first

    def dump(self, request: bytes) -> Iterator[bytes]:
        """Send a prepared GET message as a dump and yield each answer's payload."""
        length, kind, _flags, _sequence, port = _HEADER.unpack_from(request)
        header = _HEADER.pack(length, kind, _NLM_F_REQUEST | _NLM_F_DUMP, _LAST, port)
        self.socket.send(header + request[16:])
        while True:
            for answer, _flags, sequence, payload in split(self.socket.recv(1 << 16)):
                if sequence != _LAST:
                    continue
                if answer == _NLMSG_DONE:
                    return
                if answer == _NLMSG_ERROR:
                    raise NetlinkError(-_ERRNO.unpack_from(payload)[0], "", request)
                yield payload

    def get(self, request: bytes) -> bytes | None:
        """Send a prepared GET message for one object; return its payload, None if it is gone."""
        self.socket.send(request)
        for kind, _flags, _sequence, payload in split(self.socket.recv(1 << 16)):
            if kind != _NLMSG_ERROR:
                return payload
        return None

    def wait(self, done: Callable[[int, bytes], bool], timeout: float) -> bool:
        """Read notifications until *done*(kind, payload) says so; False when time runs out."""
        self.socket.settimeout(timeout)
        try:
            while True:
                for kind, _flags, _sequence, payload in split(self.socket.recv(1 << 16)):
                    if done(kind, payload):
                        return True
        except TimeoutError:
            return False


def prepare(
    messages: Sequence[bytes], *, tolerant: bool = False, chunk: int | None = None
) -> list[bytes]:
    """Join messages to chunks, each with its acknowledgement; *tolerant* where errors may come."""
    limit = chunk or (_TOLERANT_CHUNK if tolerant else _CHUNK)
    return [_with_ack(part) for part in _chunks(messages, limit)]


def send_each(batches: Iterable[tuple[int, Iterable[bytes]]], tolerate: Iterable[int] = ()) -> None:
    """Carry out prepared messages in one namespace after the other, and come home at the end."""
    tolerated = frozenset(tolerate)
    with returning_home():
        for descriptor, prepared in batches:
            setns(descriptor, CLONE_NEWNET)
            with Netlink() as socket:
                socket.carry_out(prepared, tolerated)


def split(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Cut received bytes into messages: (type, flags, sequence, payload)."""
    at = 0
    while at + 16 <= len(data):
        length, kind, flags, sequence, _port = _HEADER.unpack_from(data, at)
        yield kind, flags, sequence, data[at + 16 : at + length]
        at += (length + 3) & ~3


def _chunks(messages: Sequence[bytes], limit: int) -> Iterator[Sequence[bytes]]:
    start = size = 0
    for at, message in enumerate(messages):
        if size and size + len(message) > limit:
            yield messages[start:at]
            start, size = at, 0
        size += len(message)
    if start < len(messages):
        yield messages[start:]


def _with_ack(messages: Sequence[bytes]) -> bytes:
    last = messages[-1]
    length, kind, flags, _sequence, port = _HEADER.unpack_from(last)
    header = _HEADER.pack(length, kind, flags | _NLM_F_ACK, _LAST, port)
    return b"".join((*messages[:-1], header, last[16:]))
