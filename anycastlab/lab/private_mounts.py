"""Directories that one daemon sees in another place than everybody else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from anycastlab.kernel.syscalls import (
    CLONE_NEWNS,
    MS_BIND,
    MS_REC,
    MS_SLAVE,
    mount,
    setns,
    unshare,
)


class Mount(NamedTuple):
    """A directory or file *source*, below the daemon's own directory, to be seen at *target*."""

    source: str
    target: str


@contextmanager
def private_mounts(directory: Path, mounts: tuple[Mount, ...]) -> Iterator[None]:
    """Give what is started meanwhile a mount namespace with *mounts*; without any do nothing.

    The calling process must have one thread.
    """
    if not mounts:
        yield
        return
    home = os.open("/proc/thread-self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    try:
        unshare(CLONE_NEWNS)
        mount("none", "/", "none", MS_REC | MS_SLAVE)
        for source, target in mounts:
            mount(str(directory / source), target, "none", MS_BIND)
        yield
    finally:
        setns(home, CLONE_NEWNS)
        os.close(home)
