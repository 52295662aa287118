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
    """``empty`` directories, then ``bound``: (path below where it starts, where it sees that).

    A target in an empty directory is made; any other must be there.
    """

    empty: tuple[str, ...] = ()
    bound: tuple[tuple[str, str], ...] = ()


@contextmanager
def seeing(view: View | None) -> Iterator[None]:
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
        _mount(view)
        yield
    finally:
        setns(home, CLONE_NEWNS)
        os.close(home)


def _mount(view: View) -> None:
    for target in view.empty:
        mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    for source, target in view.bound:
        if any(Path(target).is_relative_to(hidden) for hidden in view.empty):
            Path(target).mkdir(parents=True)
        mount(source, target, "none", MS_BIND)  # relative: an empty directory may hide its path
