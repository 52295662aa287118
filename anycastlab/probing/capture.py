"""Record every packet of a node in a file that Wireshark and tcpdump open."""

from __future__ import annotations

import math
import os
import select
import socket
import struct
import time
from contextlib import suppress
from types import TracebackType

from anycastlab.errors import UsageError, did_you_mean
from anycastlab.kernel.checksum import completed
from anycastlab.kernel.packet import OUTGOING, Record, Tap
from anycastlab.probing.nodes import Nodes
from anycastlab.probing.pcapng import PcapngWriter
from anycastlab.probing.taps import LostPacketsError

_KEPT = 65_544  # the longest packet, in whole words
_SLOTS = 32


class Recording:
    """A file of what passes one namespace, from its making on. ``recorded`` counts packets.

    *sock* is a fresh socket in the namespace, as :class:`Tap` wants it. Packets on `lo` are
    recorded once, as they leave it. Checksums the sender left to its hardware are finished, as a
    network card would have done. ``slots`` packets are read at a time. Raises UsageError for a
    file that cannot be written, be it later, on a full disk.
    """

    def __init__(
        self, sock: socket.socket, path: str | os.PathLike[str], slots: int = _SLOTS
    ) -> None:
        self.recorded = 0
        self._path = os.fspath(path)
        self._names = dict[int, str]()
        try:
            self._file = open(path, "wb")  # noqa: SIM115 (closed by close)
        except OSError as error:
            sock.close()
            raise self._unwritable(error) from error
        self._writer = PcapngWriter(self._file)
        self._tap = Tap(sock, keep=_KEPT, slots=slots)

    def fileno(self) -> int:
        """The descriptor that becomes readable when there are packets."""
        return self._tap.fileno()

    def take(self, limit: int | None = None) -> None:
        """Record what waits, up to *limit* packets in all."""
        for length, record in self._tap.read_with_lengths():
            if self.recorded == limit:
                return
            self._write(record, length)

    def _write(self, record: Record, length: int) -> None:
        protocol, index, hardware, kind, size, address, seconds, nanoseconds, data = record
        name = self._names.get(index)
        if name is None:
            name = self._names[index] = self._tap.interface_name(index)
        if name == "lo" and kind != OUTGOING:
            return
        head = struct.pack("!2s2xIHBB8s", protocol, index, hardware, kind, size, address)
        stamp = seconds * 1_000_000_000 + nanoseconds
        packet = head + completed(data[:length])
        try:
            self._writer.packet(name, stamp, packet, outgoing=kind == OUTGOING)
        except OSError as error:
            raise self._unwritable(error) from error
        self.recorded += 1

    def lost(self) -> int:
        """How many packets the kernel dropped since the last call."""
        return self._tap.lost()

    def close(self) -> None:
        """Stop recording and close the file."""
        self._tap.close()
        try:
            self._file.close()
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> UsageError:
        return UsageError(f"cannot write {self._path}: {error.strerror}")


class Capture:
    """A recording of one node, from its making on; a context manager.

    Raises UsageError for an unknown or dead node, or a file that cannot be written.
    """

    def __init__(self, nodes: Nodes, node: str, path: str | os.PathLike[str]) -> None:
        if node not in nodes.network.nodes:
            raise UsageError(f"no node {node!r}{did_you_mean(node, nodes.network.nodes)}")
        self._node = node
        self._recording = Recording(nodes.socket(node, socket.AF_PACKET, socket.SOCK_DGRAM), path)
        self._stop = os.eventfd(0, os.EFD_CLOEXEC)

    @property
    def recorded(self) -> int:
        """How many packets are in the file."""
        return self._recording.recorded

    def __enter__(self) -> Capture:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def stop(self) -> None:
        """End :meth:`run`: from another thread or a signal handler, or before it began."""
        os.eventfd_write(self._stop, 1)

    def run(self, count: int | None = None, seconds: float | None = None) -> None:
        """Record until there are *count* packets, for *seconds*, or until :meth:`stop`.

        Raises LostPacketsError when the kernel had to drop some; what was recorded is kept.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        waiting = select.poll()
        waiting.register(self._recording, select.POLLIN)
        waiting.register(self._stop, select.POLLIN)
        stopped = False
        while not stopped and self.recorded != count:
            remaining = None if deadline is None else max(0.0, deadline - time.monotonic())
            ready = waiting.poll(None if remaining is None else math.ceil(remaining * 1e3))
            stopped = not ready or (self._stop, select.POLLIN) in ready
            self._recording.take(count)
        if lost := self._recording.lost():
            raise LostPacketsError(self._node, lost)

    def close(self) -> None:
        """Stop recording and close the file."""
        os.close(self._stop)
        self._recording.close()


def capture(
    nodes: Nodes,
    node: str,
    path: str | os.PathLike[str],
    count: int | None = None,
    seconds: float | None = None,
) -> int:
    """Record *node* until *count* packets or *seconds*; return how many were recorded.

    Ctrl-C ends it too. Raises as :class:`Capture` does; what was recorded is kept.
    """
    with Capture(nodes, node, path) as recording:
        with suppress(KeyboardInterrupt):
            recording.run(count, seconds)
        return recording.recorded
