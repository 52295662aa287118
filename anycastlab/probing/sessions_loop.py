"""Real TCP connections of the clients' kernels, all driven by one loop in this process.

Each reads the instance's name, then sends a line, reads it back from the instance, and sends the
next one when the pace is due. A line that is not answered holds the next one back.
"""

from __future__ import annotations

import heapq
import math
import selectors
import socket
import struct
import time
from collections.abc import Callable, Sequence
from typing import ClassVar, Literal

from anycastlab.components.identity_wire import IDENTITY_PORT
from anycastlab.kernel.error_queue import forget_errors
from anycastlab.probing.nodes import Nodes
from anycastlab.probing.plan import address_family
from anycastlab.probing.sessions_resets import Ends
from anycastlab.probing.sessions_way import Way
from anycastlab.probing.stream_flows import Flow

Phase = Literal["opening", "open", "refused", "reset", "closed", "hung"]
"""Before and after the instance has said its name; then how it ended, if it did."""

_ABORT = struct.pack("ii", 1, 0)  # SO_LINGER: no orphan is left to hold a namespace
_READ = 4096


class Connection:
    """One session. ``instance`` is who said its name, ``lines`` how many were answered.

    ``slowest`` is the longest time (seconds) a line waited: for its answer, or in vain until now;
    ``began``, ``opened`` and ``ended`` are times on the monotonic clock: when it was begun, when
    the name was there, when it ended early.
    """

    ticks: ClassVar[bool] = False
    """Whether it has to be told what time it is."""

    def __init__(self, number: int, nodes: Nodes, flow: Flow, way: Way) -> None:
        self.flow = flow
        self.began = time.monotonic()
        self.opened: float | None = None
        self.phase: Phase = "opening"
        self.instance: str | None = None
        self.lines = 0
        self.slowest = 0.0
        self.ended: float | None = None
        self.ends: Ends | None = None
        self.sent = time.monotonic()
        self._number, self._heard, self._line = number, b"", b""
        self.socket = self._make(nodes)
        self.socket.setblocking(False)
        way.prepare(self.socket)
        self._connect(way.address)

    def _make(self, nodes: Nodes) -> socket.socket:
        """Open the socket."""
        family = address_family(self.flow.family)
        made = nodes.socket(self.flow.client, family, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def _connect(self, address: str) -> None:
        """Begin the connection."""
        try:
            self.socket.connect((address, IDENTITY_PORT))
        except BlockingIOError:
            pass
        except OSError:  # no route
            self._end("refused")

    @property
    def waiting(self) -> bool:
        """Whether a line has been sent and not been answered."""
        return self.phase == "open" and bool(self._line)

    @property
    def unanswered(self) -> int:
        """How many bytes were sent and never came back."""
        return len(self._line) - len(self._heard) if self._line else 0

    def send(self, now: float) -> None:
        """Send the next line."""
        self._line = b"%06d %08d\n" % (self._number, self.lines)
        self.sent = now
        try:
            self._transmit(self._line)
        except OSError as error:
            self._fail(error)

    def _transmit(self, line: bytes) -> None:
        self.socket.send(line)

    def tick(self, now: float) -> None:
        """Do what is due by itself; nothing of TCP is, it is the kernel's."""

    def receive(self) -> bool:
        """Read what has come; return whether that completes the name or a line."""
        try:
            data = self.socket.recv(_READ)
        except BlockingIOError:
            forget_errors(self.socket)
            return False
        except OSError as error:
            self._fail(error)
            return False
        if not data:
            self._end("refused" if self.phase == "opening" else "closed")
            return False
        self._heard += data
        return self._understand()

    def _understand(self) -> bool:
        """Look at what was heard; return whether that completes the name or a line."""
        return self._greeted() if self.phase == "opening" else self._echoed()

    def _greeted(self) -> bool:
        name, newline, rest = self._heard.partition(b"\n")
        if not newline:
            return False
        self.ends = Ends.of(self.socket)
        self._open(name, rest)
        return True

    def _open(self, name: bytes, rest: bytes) -> None:
        self.instance, self._heard, self.phase = name.decode(errors="replace"), rest, "open"
        self.opened = time.monotonic()

    def _echoed(self) -> bool:
        if self._heard != self._line:
            return False
        self.slowest = max(self.slowest, time.monotonic() - self.sent)
        self._heard = self._line = b""
        self.lines += 1
        return True

    def _fail(self, error: OSError) -> None:
        if self.phase == "opening":
            self._end("refused")
        else:
            broken = isinstance(error, ConnectionResetError | BrokenPipeError)
            self._end("reset" if broken else "hung")

    def _end(self, phase: Phase) -> None:
        self.phase, self.ended = phase, time.monotonic()
        if self._line:
            self.slowest = max(self.slowest, self.ended - self.sent)

    def give_up(self) -> None:
        """Call it hung: it is open or opening, and nothing comes any more."""
        self._end("hung")

    @property
    def alive(self) -> bool:
        """Whether it may still answer."""
        return self.phase in ("opening", "open")


class Loop:
    """Sends what is due and reads what has come, for all connections."""

    def __init__(self, connections: Sequence[Connection], pace: float) -> None:
        self._connections, self._pace = connections, pace
        self._ticking = [one for one in connections if one.ticks]
        self._selector = selectors.DefaultSelector()
        self._due: list[tuple[float, int]] = []
        self._final: float | None = None
        for number, connection in enumerate(connections):
            if connection.alive:
                self._selector.register(connection.socket, selectors.EVENT_READ, number)

    def open(self, timeout: float) -> None:
        """Run until every session has its instance's name and a line answered, or has failed."""
        until = time.monotonic() + timeout
        self._run(until, lambda: all(one.lines or not one.alive for one in self._connections))

    def run(self, seconds: float) -> None:
        """Go on for so long."""
        self._run(time.monotonic() + seconds, lambda: False)

    def run_until(self, done: Callable[[], bool]) -> None:
        """Go on until something outside is done; it is asked every pace at the least."""
        self._run(math.inf, done)

    def finish(self, timeout: float) -> None:
        """Have every living session answer one more line sent from now on; give up on the others.

        No pace is kept, so the ones in which nothing is wrong are done at once.
        """
        self._final = time.monotonic()
        self._due = [(0.0, number) for _, number in self._due]
        self._run(self._final + timeout, lambda: all(map(self._is_proven, self._connections)))
        for connection in self._connections:
            if connection.alive and not self._is_proven(connection):
                connection.give_up()

    def _is_proven(self, one: Connection) -> bool:
        """Whether a session has ended, or a line it sent since the end was called is answered."""
        assert self._final is not None
        answered = one.phase == "open" and not one.waiting
        return not one.alive or (answered and one.sent >= self._final)

    def _run(self, until: float, done: Callable[[], bool]) -> None:
        while (now := time.monotonic()) < until and not done():
            self._send_due(now)
            for one in self._ticking:
                if one.alive:
                    one.tick(now)
            wake = min(until, now + self._pace, *(due for due, _ in self._due[:1]))
            for key, _events in self._selector.select(max(0.0, wake - time.monotonic())):
                self._receive(key.data)

    def _send_due(self, now: float) -> None:
        while self._due and self._due[0][0] <= now:
            _, number = heapq.heappop(self._due)
            connection = self._connections[number]
            if connection.alive:
                connection.send(now)
                self._forget_if_ended(connection)

    def _receive(self, number: int) -> None:
        connection = self._connections[number]
        if connection.receive():
            self._schedule(number, connection)
        self._forget_if_ended(connection)

    def _schedule(self, number: int, connection: Connection) -> None:
        if self._final is None:
            due = connection.sent + self._pace if connection.lines else 0.0
            heapq.heappush(self._due, (due, number))
        elif not self._is_proven(connection):
            heapq.heappush(self._due, (0.0, number))

    def _forget_if_ended(self, connection: Connection) -> None:
        if not connection.alive and connection.socket in self._selector.get_map():
            self._selector.unregister(connection.socket)

    def close(self) -> None:
        """Abort every connection."""
        self._selector.close()
        for connection in self._connections:
            connection.socket.close()
