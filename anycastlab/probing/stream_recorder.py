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
from anycastlab.probing.stream_doorstep import Doorstep
from anycastlab.probing.stream_flows import Outlet
from anycastlab.probing.taps import Event, LostPacketsError, Recording

_EVERY = 0.01
"""Seconds between two readings: buffers hold far more, and waking for each packet would cost."""


class _Member:
    """The taps of one member: one for each of its lives, and those before its door in between."""

    def __init__(self, nodes: Nodes, name: str) -> None:
        self._nodes, self._name = nodes, name
        self._lives: list[tuple[Tap, Recording]] = []
        self._doorsteps: list[Doorstep] = []
        self.refresh()

    def refresh(self) -> None:
        """Open the tap of a new life, or watch the door of a dead member."""
        try:
            with self._nodes.socket(self._name, socket.AF_INET, socket.SOCK_DGRAM) as there:
                cookie = namespace_cookie(there)
        except UsageError:
            self._doorsteps.append(Doorstep(self._nodes, self._name))
            return
        if all(tap.cookie != cookie for tap, _ in self._lives):
            sock = self._nodes.socket(self._name, socket.AF_PACKET, socket.SOCK_DGRAM)
            self._lives.append((Tap(sock, recorded_by_taps(), keep=KEPT), Recording()))

    def take(self) -> None:
        """Read what waits."""
        for tap, recording in self._lives:
            recording.take(tap)
        for doorstep in self._doorsteps:
            doorstep.take()

    def taps(self) -> list[Tap]:
        """All taps."""
        doors = [tap for doorstep in self._doorsteps for tap in doorstep.taps]
        return [tap for tap, _ in self._lives] + doors

    def received(self) -> list[Event]:
        """What it received; of what came to its door, that which its own taps did not see."""
        events = [event for _, recording in self._lives for event in _own(recording)]
        seen = {probe for _, recording in self._lives for probe, _ in recording.arrived}
        for doorstep in self._doorsteps:
            events += [event for event in doorstep.events if event[0] not in seen]
            seen |= {probe for probe, _ in doorstep.events}
        return events


class Recorder:
    """Taps in the members, read by a thread of its own together with the flows' sockets.

    ``answers`` has for each id that was answered the time (ns, real time), and the instance if the
    answer names it.
    """

    def __init__(self, nodes: Nodes, members: Iterable[str], outlets: Sequence[Outlet]) -> None:
        self._outlets = outlets
        self._members = {name: _Member(nodes, name) for name in members}
        self._batch = Batch(struct.Struct(f"={ADDRESS}x{RECEIVED}256s"))
        self.answers: dict[int, tuple[int, str | None]] = {}
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def refresh(self) -> None:
        """Look again which members live; one that died keeps its recording."""
        with self._lock:
            for member in self._members.values():
                member.refresh()

    def _run(self) -> None:
        while not self._stop.wait(_EVERY):
            self._read()

    def _read(self) -> None:
        with self._lock:
            for member in self._members.values():
                member.take()
        for outlet in self._outlets:
            self._collect(outlet)

    def _collect(self, outlet: Outlet) -> None:
        batch, read, answers = self._batch, outlet.answer, self.answers
        while batch.receive(outlet.socket.fileno()):
            for seconds, nanoseconds, data in batch.records():
                found = read(data)
                if found is not None and not found[1]:
                    stamp = seconds * 1_000_000_000 + nanoseconds
                    answers.setdefault(found[0], (stamp, found[2]))
            if not batch.full:
                return

    def await_answers(self, wanted: Iterable[int], timeout: float) -> None:
        """Wait until these ids are answered, *timeout* seconds at most."""
        deadline = time.monotonic() + timeout
        missing = set(wanted) - self.answers.keys()
        while missing and time.monotonic() < deadline:
            self._stop.wait(_EVERY)
            missing -= self.answers.keys()

    def end(self) -> dict[str, list[Event]]:
        """Read the rest; return what each member received: (id, time stamp), as it came.

        Raises LostPacketsError when a tap could not keep up.
        """
        self._halt()
        self._read()
        for name, member in self._members.items():
            if lost := sum(tap.lost() for tap in member.taps()):
                raise LostPacketsError(name, lost)
        return {name: member.received() for name, member in self._members.items()}

    def _halt(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def close(self) -> None:
        """Stop reading and close the taps."""
        self._halt()
        close_all([tap for member in self._members.values() for tap in member.taps()])


def _own(recording: Recording) -> list[Event]:
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
