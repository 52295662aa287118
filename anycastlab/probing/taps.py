"""Taps in all members: what each of them recorded of one pass."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Lock

from anycastlab.errors import HostError, UsageError
from anycastlab.kernel.packet import OUTGOING, Tap, close_all, namespace_cookie
from anycastlab.probing.filters import KEPT, recorded_by_taps
from anycastlab.probing.identify import Flow, identify
from anycastlab.probing.nodes import Nodes

_DRAIN_AT_MOST = 1024  # packets left to wait: reading them while they are in the cache is faster


Event = tuple[int, int]
"""A probe's id and the kernel's time stamp (ns)."""


class LostPacketsError(HostError):
    """The kernel dropped packets meant for the prober, so who received a probe is not known."""

    def __init__(self, node: str, lost: int) -> None:
        self.node, self.lost = node, lost
        super().__init__(
            f"the prober lost packets in {node} ({lost}): its receive buffer was full",
            "probe fewer clients at once, or raise net.core.rmem_max",
        )


@dataclass(slots=True)
class Recording:
    """What one member's tap saw: probes and replies, each way.

    ``sessions`` holds SYNs of real sessions: the flow, whether it left, the segment's header,
    nanoseconds.
    """

    arrived: list[Event] = field(default_factory=list)
    passed_on: list[Event] = field(default_factory=list)
    replied: list[Event] = field(default_factory=list)
    replies_in: list[Event] = field(default_factory=list)
    sessions: list[tuple[Flow, bool, bytes, int]] = field(default_factory=list)

    def take(self, tap: Tap) -> None:
        """Sort all that waits at the tap."""
        logs = (self.arrived, self.passed_on, self.replies_in, self.replied)
        append = [log.append for log in logs]
        for _, _, _, kind, _, _, seconds, nanoseconds, data in tap.read():
            found = identify(data)
            if found is None:
                continue
            reply, probe = found
            stamp = seconds * 1_000_000_000 + nanoseconds
            if isinstance(probe, int):
                append[2 * reply + (kind == OUTGOING)]((probe, stamp))
            else:
                self.sessions.append((probe, kind == OUTGOING, _header(data), stamp))


def _header(packet: bytes) -> bytes:
    """The TCP header, as far as it is the same in every copy of one transmission."""
    head = 20 if packet[0] == 0x45 else 40
    end = head + (packet[head + 12] >> 4) * 4
    return packet[head : head + 16] + packet[head + 18 : end]


class Taps:
    """One tap in every living member.

    ``capacity`` is how many probes may be sent between two calls of :meth:`drain`: each leaves a
    request and a reply, and twice that fits.
    """

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._taps: dict[str, Tap] = {}
        self.recordings: dict[str, Recording] = {}
        self.capacity = _DRAIN_AT_MOST
        self._draining = Lock()

    def begin(self) -> None:
        """Start a new recording everywhere.

        A member that died since the last pass has no tap any more, one that came back a new one:
        its old namespace is known by its cookie.
        """
        stale = []
        for member in self._members():
            if (old := self._taps.get(member)) and not self._serves(member, old):
                stale.append(self._taps.pop(member))
            if member not in self._taps:
                self._open(member)
        close_all(stale)
        for tap in self._taps.values():
            for _ in tap.read():
                pass
            tap.lost()
        self.recordings = {member: Recording() for member in self._taps}
        smallest = min((tap.capacity for tap in self._taps.values()), default=_DRAIN_AT_MOST)
        self.capacity = max(1, min(smallest // 4, _DRAIN_AT_MOST))

    def drain(self) -> None:
        """Read what waits at every tap; any thread may."""
        with self._draining:
            for member, tap in self._taps.items():
                self.recordings[member].take(tap)

    def filenos(self) -> Iterable[int]:
        """The descriptors, for polling."""
        return [tap.fileno() for tap in self._taps.values()]

    def end(self) -> dict[str, Recording]:
        """Read the rest, and return the recordings by member.

        Raises LostPacketsError when a tap could not keep up: better no answer than a wrong one.
        """
        self.drain()
        for member, tap in self._taps.items():
            if lost := tap.lost():
                raise LostPacketsError(member, lost)
        return self.recordings

    def close(self) -> None:
        """Close all taps together."""
        taps = list(self._taps.values())
        self._taps.clear()
        close_all(taps)

    def _members(self) -> list[str]:
        groups = self._nodes.network.groups.values()
        return list(dict.fromkeys(name for group in groups for name in group.instances))

    def _serves(self, member: str, tap: Tap) -> bool:
        try:
            with self._nodes.socket(member, socket.AF_INET, socket.SOCK_DGRAM) as there:
                return namespace_cookie(there) == tap.cookie
        except UsageError:
            return False

    def _open(self, member: str) -> None:
        try:
            sock = self._nodes.socket(member, socket.AF_PACKET, socket.SOCK_DGRAM)
        except UsageError:
            return
        self._taps[member] = Tap(sock, recorded_by_taps(), keep=KEPT)
