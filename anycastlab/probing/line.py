"""One socket of a client: the probes sent on it, their time stamps, and what it receives."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Sequence

from anycastlab.kernel.batch import ADDRESS, Batch
from anycastlab.kernel.outgoing import Outgoing, socket_address
from anycastlab.kernel.stamps import RECEIVED, SENT, number_afresh
from anycastlab.probing.dialect import Dialect
from anycastlab.probing.ledger import REFUSED, Ledger
from anycastlab.probing.plan import Block, Target

_READ_AT_MOST = 32  # probes sent before the socket is read: its buffers hold more than that
_SO_MEMINFO, _DROPS = 55, 8
_ERROR_QUEUE = int(socket.MSG_ERRQUEUE)


class Mailbox:
    """Send and receive buffers for clients' sockets, used for one socket after the other."""

    def __init__(self) -> None:
        self.stamps = Batch(struct.Struct(SENT))
        self.answers = Batch(struct.Struct(f"={ADDRESS}x{RECEIVED}256s"))
        self.answers_and_sources = Batch(struct.Struct(f"={ADDRESS}s{RECEIVED}256s"))
        self._outgoing: dict[tuple[Dialect, int], Outgoing] = {}

    def outgoing(self, dialect: Dialect, targets: Sequence[Target]) -> Outgoing:
        """Return what is prepared for these targets; all clients of a pass share the same list."""
        key = dialect, id(targets)
        if key not in self._outgoing:
            addresses = [socket_address(target.packed, dialect.port) for target in targets]
            self._outgoing[key] = Outgoing(addresses, dialect.blank)
        return self._outgoing[key]


class Line:
    """A socket that speaks *dialect*; the line owns it."""

    def __init__(self, sock: socket.socket, dialect: Dialect, box: Mailbox, ledger: Ledger) -> None:
        self.socket, self._dialect, self._box, self._ledger = sock, dialect, box, ledger
        self._base = -1  # the number of the probe whose time stamp is numbered 0; negative: none

    def send(self, block: Block, source: int) -> None:
        """Send a block (one a line), reading what comes back now and then.

        *source* is the sum of the 16-bit words of the client's address.
        """
        self._base = block.start
        first, targets = self._ledger.first + block.start, block.targets
        outgoing, descriptor = self._box.outgoing(self._dialect, targets), self.socket.fileno()
        self._dialect.load(outgoing, first, [source + target.words for target in targets])
        at = 0
        while at < len(targets):
            sent = outgoing.send(descriptor, at, min(_READ_AT_MOST, len(targets) - at))
            if not sent:
                self._skip(first + at)
            at += sent or 1
            self.collect()

    def _skip(self, probe: int) -> None:
        """Expect nothing of a probe that was not sent; number the stamps of the rest afresh."""
        self._ledger.note(probe, REFUSED)
        self._read_stamps()
        number_afresh(self.socket)
        self._base = probe - self._ledger.first + 1

    def collect(self) -> None:
        """Read the stamps of what was sent, and all answers.

        An answer without a stamp came just now: the kernel begins to stamp what it receives a while
        after the first socket asked for it (a work queue switches it on).
        """
        if self._base >= 0:
            self._read_stamps()
        if self._ledger.sources is not None:
            self._collect_with_sources()
            return
        batch, note, read = self._box.answers, self._ledger.note, self._dialect.answer
        while batch.receive(self.socket.fileno()):
            for seconds, nanoseconds, data in batch.records():
                if found := read(data):
                    probe, refused, name = found
                    stamp = seconds * 1_000_000_000 + nanoseconds or time.time_ns()
                    note(probe, REFUSED if refused else stamp, name)
            if not batch.full:
                return

    def _collect_with_sources(self) -> None:
        """Read all answers, and where they came from."""
        batch, ledger = self._box.answers_and_sources, self._ledger
        while batch.receive(self.socket.fileno()):
            for source, seconds, nanoseconds, data in batch.records():
                if found := self._dialect.answer(data):
                    probe, refused, name = found
                    stamp = seconds * 1_000_000_000 + nanoseconds or time.time_ns()
                    ledger.note(probe, REFUSED if refused else stamp, name)
                    if not refused:
                        ledger.hear(probe, source)
            if not batch.full:
                return

    def _read_stamps(self) -> None:
        batch, sent, base = self._box.stamps, self._ledger.sent, self._base
        while batch.receive(self.socket.fileno(), _ERROR_QUEUE):
            for seconds, nanoseconds, number in batch.records():
                sent[base + number] = seconds * 1_000_000_000 + nanoseconds
            if not batch.full:
                return

    def lost(self) -> int:
        """How many packets the kernel dropped for want of buffer."""
        memory = self.socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 36)
        return int(struct.unpack("9I", memory)[_DROPS])
