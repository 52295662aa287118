"""The process that sends a stream: one packet a slot, at absolute moments.

It is a process of its own so that no reading of taps, and no fault, ever delays it.
"""

from __future__ import annotations

import gc
import mmap
import os
import select
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass

from anycastlab.errors import HostError
from anycastlab.kernel.pacing import (
    be_punctual,
    end_with_parent,
    keep_processors_awake,
    wait_until,
)
from anycastlab.probing.stream_flows import Outlet

_LIMIT, _DONE, _HEADER = 0, 1, 2  # places in the shared memory: slots to send, slots sent, slots
_PATIENCE = 2.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """When each packet leaves: the flows take turns, *interval* ns apart for each of them.

    ``start`` is on the monotonic clock (ns).
    """

    start: int
    interval: int
    flows: int

    def moment(self, slot: int) -> int:
        """When the packet of a slot is due (monotonic, ns)."""
        return self.start + slot * self.interval // self.flows

    def slots_until(self, moment: int) -> int:
        """How many slots are due before *moment*, in whole rounds of all flows."""
        return max(0, -((self.start - moment) // self.interval)) * self.flows


class Sender:
    """Sends packets numbered from *first* on, at most *capacity*, until told otherwise.

    Slot n belongs to flow n modulo the number of flows; its packet has the id ``first + n``. After
    the end ``sent[n]`` is when it left (ns, real time; negative if the kernel refused it) and
    ``late[n]`` by how many ns it was sent after it was due.
    """

    def __init__(
        self, outlets: Sequence[Outlet], schedule: Schedule, first: int, capacity: int
    ) -> None:
        self._outlets, self._schedule, self._first = outlets, schedule, first
        try:
            self._memory = mmap.mmap(-1, 8 * (_HEADER + 2 * capacity))  # shared with the child
        except OSError as error:
            raise HostError(f"no memory for {capacity} packets: {error.strerror}") from None
        self._shared = memoryview(self._memory).cast("q")
        self._shared[_LIMIT] = self._capacity = capacity
        self._pid = self._handle = -1

    def start(self) -> None:
        """Fork the process; it waits for its first slot."""
        self._pid = os.fork()
        if self._pid == 0:
            self._be_the_child()
        self._handle = os.pidfd_open(self._pid)

    def _be_the_child(self) -> None:
        status = 1
        try:
            end_with_parent()
            gc.disable()
            be_punctual()
            keep_processors_awake()
            self._send()
            status = 0
        finally:
            os._exit(status)

    def _send(self) -> None:
        shared, schedule, capacity = self._shared, self._schedule, self._capacity
        outlets, clock, wall = self._outlets, time.monotonic_ns, time.time_ns
        slot = 0
        while slot < shared[_LIMIT]:
            outlet = outlets[slot % len(outlets)]
            packet = outlet.packet(self._first + slot & 0xFFFFFFFF, outlet.words)
            due = schedule.moment(slot)
            if clock() < due:
                wait_until(due)
            late, left = clock() - due, wall()
            try:
                outlet.socket.sendto(packet, outlet.address)
            except OSError:  # no route, or filtered on the client itself: it never left
                left = -left
            shared[_HEADER + slot] = left
            shared[_HEADER + capacity + slot] = late
            slot += 1
            shared[_DONE] = slot

    def stop_at(self, moment: int) -> None:
        """Send nothing that is due after *moment* (monotonic, ns)."""
        self._shared[_LIMIT] = min(self._capacity, self._schedule.slots_until(moment))

    def ended_within(self, seconds: float) -> bool:
        """Wait at most so long for the end. Raises HostError when the process failed."""
        if self._handle >= 0 and not select.select([self._handle], [], [], seconds)[0]:
            return False
        self._reap()
        return True

    def _reap(self) -> None:
        if self._handle < 0:
            return
        os.close(self._handle)
        self._handle = -1
        status = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        if status:
            raise HostError(f"the process that sends the stream ended with status {status}")

    @property
    def sent(self) -> list[int]:
        """When each packet left."""
        return self._shared[_HEADER : _HEADER + self._shared[_DONE]].tolist()

    @property
    def late(self) -> list[int]:
        """How late each packet was sent."""
        begin = _HEADER + self._capacity
        return self._shared[begin : begin + self._shared[_DONE]].tolist()

    def close(self) -> None:
        """End the process, and free the memory."""
        self._shared[_LIMIT] = 0
        if not self.ended_within(_PATIENCE):
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            os.close(self._handle)
            self._handle = -1
        self._shared.release()
        self._memory.close()
