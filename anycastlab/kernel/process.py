"""Processes told apart by number *and* start time, waited for and ended through a pidfd."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    """A process: its number, and its start in clock ticks since boot (numbers are used again)."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Process:
        """Describe a living process. Raises ProcessLookupError when there is none."""
        return cls(pid, _stat(pid)[1])

    def alive(self) -> bool:
        """Whether it runs: a zombie, or another process of the same number, does not count."""
        try:
            state, started = _stat(self.pid)
        except ProcessLookupError:
            return False
        return started == self.started and state not in "ZX"

    def kill(self, timeout: float = 10.0, meanwhile: Callable[[], object] = lambda: None) -> bool:
        """End it at once and wait until it is gone; False when it outlives *timeout* seconds.

        Something is done *meanwhile*: freeing what a process holds takes the kernel its time.
        """
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return True
        try:
            if not self.alive():  # the number was read before the handle existed
                return True
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            meanwhile()
            return bool(select.select([handle], [], [], timeout)[0])
        except ProcessLookupError:
            return True
        finally:
            os.close(handle)


def _stat(pid: int) -> tuple[str, int]:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        raise ProcessLookupError(pid) from None
    fields = text[text.rindex(")") + 2 :].split()
    return fields[0], int(fields[19])


def in_other_namespaces() -> dict[int, list[Process]]:
    """The processes in other network namespaces than ours, by the namespace's inode number.

    As far as /proc shows them.
    """
    ours = os.stat("/proc/self/ns/net").st_ino
    found: dict[int, list[Process]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                inode = os.stat(f"/proc/{entry}/ns/net").st_ino
                if inode != ours:
                    found.setdefault(inode, []).append(Process.of(int(entry)))
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
    return found
