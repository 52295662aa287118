"""A view of the file system for one daemon alone: where its files lie it sees nobody else's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from anycastlab.kernel.syscalls import (
    CLONE_NEWNS,
    MS_BIND,
    MS_NODEV,
    MS_NOSUID,
    MS_REC,
    MS_SLAVE,
    mount,
    setns,
    unshare,
)


@dataclass(frozen=True, slots=True)
class View:
    """``empty`` directories, then ``bound``: (path in the daemon's own directory, where to see it).

    A target in an empty directory is made; any other must be there.
    """

    empty: tuple[str, ...] = ()
    bound: tuple[tuple[str, str], ...] = ()


@contextmanager
def seeing(view: View | None, directory: Path) -> Iterator[None]:
    """Start what is started meanwhile with a *view*; None is everybody's.

    The calling process must have one thread.
    """
    if view is None:
        yield
        return
    home = os.open("/proc/thread-self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    try:
        unshare(CLONE_NEWNS)
        mount("none", "/", "none", MS_REC | MS_SLAVE)
        _mount(view, directory)
        yield
    finally:
        setns(home, CLONE_NEWNS)
        os.close(home)


def _mount(view: View, directory: Path) -> None:
    # opened first, since an empty directory may hide it, but in the new mount namespace: nothing
    # can be bound from another
    own = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for target in view.empty:
            mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
        for source, target in view.bound:
            if any(Path(target).is_relative_to(hidden) for hidden in view.empty):
                Path(target).mkdir(parents=True, exist_ok=True)
            mount(f"/proc/self/fd/{own}/{source}", target, "none", MS_BIND)
    finally:
        os.close(own)
