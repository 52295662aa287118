"""A census of what a test could leave behind: processes, namespaces, links, file descriptors.

Only what belongs to this process and its descendants is counted, so that other labs and other test
runs on the machine do not matter. Links of the host's namespace belong to nobody: all are counted.
"""

from __future__ import annotations

import ctypes
import gc
import os
import select
import socket
import time
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_PR_SET_CHILD_SUBREAPER, _PR_GET_CHILD_SUBREAPER = 36, 37  # prctl(2)
_GRACE = 2.0
"""Seconds in which processes that are dying may finish: on a busy machine it takes them some."""

_PROC, _NAMES = Path("/proc"), Path("/run/netns")


@contextmanager
def adopting_orphans() -> Iterator[None]:
    """Make every process started meanwhile a descendant of this one, whatever it does to escape."""
    libc = ctypes.CDLL(None)
    before = ctypes.c_int()
    libc.prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(before), 0, 0, 0)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        libc.prctl(_PR_SET_CHILD_SUBREAPER, before.value, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Census:
    """What there is: each as a text for people, by something that tells one from another."""

    processes: dict[int, str]
    namespaces: dict[str, str]
    names: frozenset[str]
    links: frozenset[str]
    descriptors: dict[str, str]

    @classmethod
    def take(cls) -> Census:
        """Count now."""
        gc.collect()  # a socket in a cycle of dead objects is not left behind
        processes = descendants()
        return cls(
            processes,
            namespaces([os.getpid(), *processes]),
            frozenset(_names(processes)),
            frozenset(name for _, name in socket.if_nameindex()),
            dict(_descriptors("self")),
        )

    @classmethod
    def take_settled(cls, before: Census) -> Census:
        """Count when every process that was not there *before* is gone, or had time to go."""
        deadline = time.monotonic() + _GRACE
        while (left := descendants().keys() - before.processes.keys()) and (
            deadline > time.monotonic()
        ):
            _wait_for_one(left, deadline)
        return cls.take()

    def left_since(self, before: Census) -> list[str]:
        """Say what is there now and was not before."""
        return [
            *(
                f"process {pid} ({name})"
                for pid, name in self.processes.items()
                if pid not in before.processes
            ),
            *(
                f"network namespace {namespace}, held by {holder}"
                for namespace, holder in self.namespaces.items()
                if namespace not in before.namespaces
            ),
            *(f"namespace name {_NAMES / name}" for name in sorted(self.names - before.names)),
            *(f"link {name} in this namespace" for name in sorted(self.links - before.links)),
            *(
                f"file descriptor {number} ({target})"
                for number, target in self.descriptors.items()
                if number not in before.descriptors
            ),
        ]


def descendants() -> dict[int, str]:
    """Return number and name of every living process below this one; reap those that ended."""
    parents: dict[int, int] = {}
    states: dict[int, tuple[str, str]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                name, rest = (entry / "stat").read_text().rsplit(")", 1)
                state, parent = rest.split()[:2]
                parents[int(entry.name)] = int(parent)
                states[int(entry.name)] = name.partition("(")[2], state
    found: dict[int, str] = {}
    for pid, (name, state) in states.items():
        if _is_below(pid, parents):
            if state in "ZX":
                _reap(pid)
            else:
                found[pid] = name
    return found


def _is_below(pid: int, parents: Mapping[int, int]) -> bool:
    """Whether a process descends from this one."""
    while (above := parents.get(pid)) not in (None, os.getpid()):
        pid = above
    return above is not None


def namespaces(processes: list[int]) -> dict[str, str]:
    """Return the network namespaces these processes are in or hold open, and who holds each."""
    found: dict[str, str] = {}
    for pid in processes:
        with suppress(OSError):
            own = (_PROC / str(pid) / "ns/net").readlink()
            found.setdefault(str(own), f"process {pid}")
        for _, target in _descriptors(str(pid)):
            if target.startswith("net:["):
                found.setdefault(target, f"a descriptor of process {pid}")
    return found


def _descriptors(process: str) -> Iterator[tuple[str, str]]:
    """Yield the open descriptors of a process and what they stand for, but not the listing's."""
    with suppress(OSError):
        for entry in (_PROC / process / "fd").iterdir():
            with suppress(OSError):
                yield entry.name, str(entry.readlink())


def _names(ours: Container[int]) -> Iterator[str]:
    """Yield the names in /run/netns but for those that another's living process stands behind."""
    for entry in _NAMES.iterdir() if _NAMES.is_dir() else ():
        owner = ""
        with suppress(OSError):  # not a symbolic link: nobody's
            owner = str(entry.readlink()).removeprefix("/proc/").partition("/")[0]
        living = owner.isdigit() and (_PROC / owner).is_dir()
        if not living or int(owner) in ours:
            yield entry.name


def _wait_for_one(processes: set[int], deadline: float) -> None:
    """Return when one of the processes has ended, or at the deadline."""
    handles: list[int] = []
    try:
        for pid in processes:
            with suppress(ProcessLookupError):
                handles.append(os.pidfd_open(pid))
        if len(handles) == len(processes):
            select.select(handles, [], [], max(0.0, deadline - time.monotonic()))
    finally:
        for handle in handles:
            os.close(handle)


def _reap(pid: int) -> None:
    """Take the status of a child that ended; it is a grandchild's affair if it is not ours."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
