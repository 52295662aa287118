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


def bind(source: Path, target: Path) -> None:
    """Show a directory at another place, in the caller's own mount namespace.

    Where that place is missing, it is made in a directory that holds what was beside it.
    """
    held = os.open(source, os.O_PATH | os.O_CLOEXEC)
    try:
        if not target.exists():
            _stand_in_for(target.parent)
            target.mkdir()
        mount(f"/proc/self/fd/{held}", str(target), "none", MS_BIND)
    finally:
        os.close(held)


def _stand_in_for(directory: Path) -> None:
    """Lay a directory over another and show in it all that is in the other."""
    below = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        mount("tmpfs", str(directory), "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
        with os.scandir(below) as entries:
            for entry in entries:
                there, here = f"/proc/self/fd/{below}/{entry.name}", directory / entry.name
                if entry.is_symlink():
                    here.symlink_to(os.readlink(there))
                    continue
                here.mkdir() if entry.is_dir() else here.touch()
                mount(there, str(here), "none", MS_BIND | MS_REC)
    finally:
        os.close(below)


def _mount(view: View) -> None:
    for target in view.empty:
        mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    for source, target in view.bound:
        if any(Path(target).is_relative_to(hidden) for hidden in view.empty):
            Path(target).mkdir(parents=True)
        mount(source, target, "none", MS_BIND)  # relative: an empty directory may hide its path
