"""One check of a service: real packets to it, or a real program, and nobody waits for either.

An instance drops IPv4 packets whose source is its service address when they come from another
one; so whoever asks here asks from the node's own address, whichever address is asked.
"""

from __future__ import annotations

import errno
import os
import signal
import socket
import struct
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import MappingProxyType

from anycastlab.components import identity_wire as wire
from anycastlab.components.base import Place, Running
from anycastlab.errors import HostError
from anycastlab.topology.network import Address, Check, Group

Told = Callable[[str], None]
"""Called once with '' when the service answered as it should, or with what was wrong."""

_READ = 1 << 16
_ABORT = struct.pack("ii", 1, 0)  # SO_LINGER: nothing of a check lingers in the node
_NUMBER = 1
_STALLED = 0.02
"""Seconds: who is called so late shares a loop with somebody who has kept it."""
_UNDER_WAY = (0, errno.EINPROGRESS)


class Attempt(ABC):
    """A check that has begun; it ends by itself, at the latest when its time is over."""

    def __init__(self, place: Place, group: Group, spec: Check, told: Told) -> None:
        self._place, self._group, self._spec, self._told = place, group, spec, told
        self._over = False
        self._be_patient()

    def begin(self) -> None:
        """Ask; the answer may be told before this returns."""
        try:
            self._ask()
        except (OSError, HostError) as error:
            self._end(_words(error))

    def abandon(self) -> None:
        """End without telling anybody."""
        if not self._over:
            self._over = True
            self._timer.cancel()
            self._release()

    def _end(self, problem: str) -> None:
        if not self._over:
            self.abandon()
            self._told(problem)

    def _be_patient(self) -> None:
        self._due = time.monotonic() + self._spec.patience
        self._timer = self._place.after(self._spec.patience, self._late)

    def _late(self) -> None:
        if time.monotonic() > self._due + _STALLED:
            self._be_patient()  # the loop had no time to look, or the service none to answer
        else:
            self._end(f"no answer in {self._spec.patience * 1000:g} ms")

    @abstractmethod
    def _ask(self) -> None:
        """Begin. Raises OSError or HostError when that is not possible."""

    @abstractmethod
    def _release(self) -> None:
        """Close what is open."""


class _Asking(Attempt):
    """A check by a socket."""

    kind = socket.SOCK_STREAM
    _socket: socket.socket | None = None

    def _ask(self) -> None:
        node = self._place.network.nodes[self._place.node]
        asked = self._group.addresses[0] if self._spec.address == "service" else node.ipv4
        asker: Address = node.ipv4 if asked.version == 4 else node.ipv6
        family = socket.AF_INET if asked.version == 4 else socket.AF_INET6
        self._socket = self._place.socket(family, self.kind)
        self._socket.setblocking(False)
        self._socket.bind((str(asker), 0))
        status = self._socket.connect_ex((str(asked), self._spec.port))
        if status not in _UNDER_WAY:
            raise OSError(status, os.strerror(status))
        self._place.watch(self._socket, self._ready, writable=True)

    def _ready(self, asking: socket.socket) -> None:
        try:
            problem = asking.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if problem:
                raise OSError(problem, os.strerror(problem))
            self._go_on(asking)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(_words(error))

    @abstractmethod
    def _go_on(self, asking: socket.socket) -> None:
        """Continue where the connection stands. Raises OSError, BlockingIOError to wait."""

    def _release(self) -> None:
        if self._socket is not None:
            with suppress(KeyError):  # it was not watched yet
                self._place.unwatch(self._socket)
            if self.kind == socket.SOCK_STREAM:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
            self._socket.close()


class Tcp(_Asking):
    """It accepts connections."""

    def _go_on(self, asking: socket.socket) -> None:
        self._end("")


class Http(_Asking):
    """It answers GET with a status of 200 to 399 (RFC 9110, section 15)."""

    _asked = False
    _heard = b""

    def _go_on(self, asking: socket.socket) -> None:
        if not self._asked:
            host = self._place.node
            asking.sendall(
                f"GET {self._spec.path} HTTP/1.1\r\nHost: {host}\r\n"
                "User-Agent: anycastlab\r\nConnection: close\r\n\r\n".encode()
            )
            self._asked = True
            self._place.watch(asking, self._ready)
            return
        data = asking.recv(_READ)
        self._heard += data
        line, newline, _ = self._heard.partition(b"\n")
        if newline or not data or len(self._heard) >= _READ:
            self._end(_judged(line.decode("latin-1").strip()))


class Udp(_Asking):
    """The identity service answers a request."""

    kind = socket.SOCK_DGRAM
    _asked = False

    def _go_on(self, asking: socket.socket) -> None:
        if not self._asked:
            asking.send(wire.request(_NUMBER))
            self._asked = True
            self._place.watch(asking, self._ready)
            return
        answered = wire.number_of(asking.recv(_READ)) == _NUMBER
        self._end("" if answered else "what answers is no identity service")


class Exec(Attempt):
    """A program ends with status 0."""

    _program: Running | None = None

    def _ask(self) -> None:
        command, name = self._spec.command, f"check-{self._group.name}"
        self._program = self._place.spawn(name, command, command[0], self._ended)

    def _ended(self, status: int) -> None:
        assert self._program is not None
        words, self._program = self._program.last_words(), None
        how = f"status {status}" if status >= 0 else signal.Signals(-status).name
        self._end(f"{how}: {words}" if status and words else how if status else "")

    def _release(self) -> None:
        if self._program is not None:
            self._place.end_daemon(self._program)


ATTEMPTS: Mapping[str, type[Attempt]] = MappingProxyType(
    {"tcp": Tcp, "http": Http, "udp": Udp, "exec": Exec}
)
"""By the services a check can be of."""


def _judged(line: str) -> str:
    """'' when *line* is the status line of an answer that is good, else what it is."""
    version, _, rest = line.partition(" ")
    status = rest[:3]
    if not version.startswith("HTTP/") or not status.isdecimal():
        return "what answers is no HTTP"
    return "" if 200 <= int(status) < 400 else f"HTTP status {status}"


def _words(error: OSError | HostError) -> str:
    if isinstance(error, OSError):
        return (error.strerror or str(error)).lower()
    return str(error)
