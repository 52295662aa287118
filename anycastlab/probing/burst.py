"""Probes sent back to back from one client in one family, and what comes back to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from anycastlab.probing.craft import words
from anycastlab.probing.dialect import Dialect
from anycastlab.probing.ledger import Ledger
from anycastlab.probing.line import Line, Mailbox
from anycastlab.probing.plan import Block, DatagramKind
from anycastlab.probing.taps import LostPacketsError
from anycastlab.topology.network import Address


class Burst:
    """Blocks of one client and family, each on a line of its own.

    It is made in the client's namespace; *source* is its address. There is always an ICMP line: it
    hears the errors that any probe provokes.
    """

    def __init__(
        self,
        blocks: Sequence[Block],
        source: Address,
        dialect: Callable[[DatagramKind], Dialect],
        *,
        box: Mailbox,
        ledger: Ledger,
    ) -> None:
        self._blocks, self._ledger = blocks, ledger
        self._source, own = words(source.packed), str(source)
        self._lines: dict[str, Line] = {}
        kinds: list[DatagramKind] = ["icmp"]
        kinds += [block.kind for block in blocks if block.kind != "tcp"]
        with ExitStack() as undo:
            for kind in dict.fromkeys(kinds):
                speech = dialect(kind)
                sock = undo.enter_context(speech.open(own))
                self._lines[kind] = Line(sock, speech, box, ledger)
            undo.pop_all()
        self.started = time.monotonic()

    def send(self) -> None:
        """Send all blocks."""
        for block in self._blocks:
            self._lines[block.kind].send(block, self._source)
        self.started = time.monotonic()
        if not self.settled:
            self.collect()

    def collect(self) -> None:
        """Read what has come."""
        for line in self._lines.values():
            line.collect()

    @property
    def settled(self) -> bool:
        """Whether nothing more is expected."""
        ledger = self._ledger
        return all(ledger.settled(block.start, len(block.targets)) for block in self._blocks)

    def filenos(self) -> list[int]:
        """The descriptors, for polling."""
        return [line.socket.fileno() for line in self._lines.values()]

    def check(self) -> None:
        """Raise LostPacketsError when a socket overflowed: an answer may be among what was lost."""
        if lost := sum(line.lost() for line in self._lines.values()):
            raise LostPacketsError(self._blocks[0].client, lost)

    def close(self) -> None:
        """Close the sockets."""
        for line in self._lines.values():
            line.socket.close()
