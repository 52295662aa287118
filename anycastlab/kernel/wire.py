"""What a wire does to frames, one way: when each comes out at the far end, if at all.

The arithmetic is that of the kernel's netem (net/sched/sch_netem.c, netem_enqueue), so that a
topology shows the same where netem is missing.
"""

from __future__ import annotations

from random import random

from anycastlab.kernel.qdisc import room
from anycastlab.topology.network import Impairment

_BITS_TO_NS = 8_000_000_000


class Way:
    """One way of a wire. Times are nanoseconds of any one clock, lengths bytes of whole frames."""

    def __init__(self, impairment: Impairment) -> None:
        self._impairment = impairment
        self._plain = not impairment
        self._room = room(impairment)
        self._last = 0
        self.inside = 0
        """Frames that have gone in and not come out; whoever takes one out counts it off."""

    def admit(self, now: int, length: int) -> tuple[int, ...]:
        """Return when a frame that goes in *now* comes out: nothing when it is lost."""
        if self._plain:
            self.inside += 1
            return (now,)
        copies = 1
        if self._impairment.duplicate and random() < self._impairment.duplicate:
            copies += 1
        if self._impairment.loss and random() < self._impairment.loss:
            copies -= 1
        copies = min(copies, self._room - self.inside)
        self.inside += copies
        return tuple([self._due(now, length) for _ in range(copies)])

    def _due(self, now: int, length: int) -> int:
        how = self._impairment
        if how.reorder and random() < how.reorder:
            return now
        delay = how.delay
        if how.jitter:
            delay += how.jitter * (2 * random() - 1)
        due = now + int(delay * 1e9)
        if how.rate is not None:  # frames leave one by one, each takes its time
            due = max(due, self._last) + length * _BITS_TO_NS // how.rate
            self._last = due
        return due
