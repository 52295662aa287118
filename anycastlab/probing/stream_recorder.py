"""Records a stream while it runs: what reaches the members, and what comes back to the clients."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence

from anycastlab.errors import UsageError
from anycastlab.kernel.batch import ADDRESS, Batch
from anycastlab.kernel.packet import Tap, close_all, namespace_cookie
from anycastlab.kernel.stamps import RECEIVED
from anycastlab.probing.filters import KEPT, recorded_by_taps
from anycastlab.probing.nodes import Nodes
from anycastlab.probing.stream_flows import Outlet
from anycastlab.probing.taps import Event, LostPacketsError, Recording

_EVERY = 0.01
"""Seconds between two readings: buffers hold far more, and waking for each packet would cost."""

Answered = dict[int, tuple[int, str | None]]
"""For each id that was answered: when (ns, real time), and the instance named in the answer."""


class Recorder:
    """Taps in the members, read by a thread of its own together with the flows' sockets.

    A member that dies keeps its recording; one that comes back gets a new tap by :meth:`refresh`.
    """

    def __init__(self, nodes: Nodes, members: Iterable[str], outlets: Sequence[Outlet]) -> None:
        self._nodes, self._outlets = nodes, outlets
        self._taps: dict[str, list[tuple[Tap, Recording]]] = {member: [] for member in members}
        self._answers = Batch(struct.Struct(f"={ADDRESS}x{RECEIVED}256s"))
        self.answered: Answered = {}
        self.late_taps: set[str] = set()
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        for member in self._taps:
            self._open(member)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def refresh(self) -> None:
        """Open taps in members that have come back; what reached them before that is not seen."""
        for member, taps in self._taps.items():
            cookie = self._cookie(member)
            if cookie is not None and all(tap.cookie != cookie for tap, _ in taps):
                self._open(member)
                self.late_taps.add(member)

    def _cookie(self, member: str) -> bytes | None:
        try:
            with self._nodes.socket(member, socket.AF_INET, socket.SOCK_DGRAM) as there:
                return namespace_cookie(there)
        except UsageError:
            return None

    def _open(self, member: str) -> None:
        try:
            sock = self._nodes.socket(member, socket.AF_PACKET, socket.SOCK_DGRAM)
        except UsageError:  # it is dead; refresh() looks again
            return
        tap = Tap(sock, recorded_by_taps(), keep=KEPT)
        with self._lock:
            self._taps[member].append((tap, Recording()))

    def _run(self) -> None:
        while not self._stop.wait(_EVERY):
            self._read()

    def _read(self) -> None:
        with self._lock:
            for tap, recording in self._all():
                recording.take(tap)
        for outlet in self._outlets:
            self._collect(outlet)

    def _all(self) -> list[tuple[Tap, Recording]]:
        return [pair for pairs in self._taps.values() for pair in pairs]

    def _collect(self, outlet: Outlet) -> None:
        batch, read, answered = self._answers, outlet.answer, self.answered
        while batch.receive(outlet.socket.fileno()):
            for seconds, nanoseconds, data in batch.records():
                found = read(data)
                if found is not None and not found[1]:
                    stamp = seconds * 1_000_000_000 + nanoseconds
                    answered.setdefault(found[0], (stamp, found[2]))
            if not batch.full:
                return

    def await_answers(self, wanted: Iterable[int], timeout: float) -> None:
        """Wait until these ids are answered, *timeout* seconds at most."""
        deadline = time.monotonic() + timeout
        missing = set(wanted) - self.answered.keys()
        while missing and time.monotonic() < deadline:
            self._stop.wait(_EVERY)
            missing -= self.answered.keys()

    @property
    def only_late_tap(self) -> str | None:
        """The member that came back meanwhile, if it is one: its first packets were not seen."""
        return next(iter(self.late_taps)) if len(self.late_taps) == 1 else None

    def end(self) -> dict[str, list[Event]]:
        """Read the rest; return what each member received: (id, time stamp), as it came.

        Raises LostPacketsError when a tap could not keep up.
        """
        self._halt()
        self._read()
        for member, taps in self._taps.items():
            if lost := sum(tap.lost() for tap, _ in taps):
                raise LostPacketsError(member, lost)
        return {
            member: [event for _, recording in taps for event in _received(recording)]
            for member, taps in self._taps.items()
        }

    def _halt(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def close(self) -> None:
        """Stop reading and close the taps."""
        self._halt()
        close_all([tap for tap, _ in self._all()])


def _received(recording: Recording) -> list[Event]:
    """What arrived and did not pass through."""
    if not recording.passed_on:
        return recording.arrived
    through = Counter(probe for probe, _ in recording.passed_on)
    received = []
    for probe, stamp in recording.arrived:
        if through[probe]:
            through[probe] -= 1
        else:
            received.append((probe, stamp))
    return received
