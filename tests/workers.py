"""What keeps test runs beside each other (`pytest -n`) from disturbing each other.

They do not see each other's labs: the leak guard counts every name that leads to a dead process,
and a lab that is being taken down, or killed by a test, has such for a while; commands that take
the only lab there is must not find two.

And they take turns with what the machine can do but once: a process of real-time priority goes
before all others, and a few of them leave those nothing.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from anycastlab.kernel.syscalls import CLONE_NEWNS, MS_REC, MS_SLAVE, mount, unshare

RUN = Path("/run")
"""Where labs have their names and their state."""


def hide_labs() -> None:
    """Give this process, and all that it starts, an empty RUN that nobody else sees.

    Not directories in it: a mount goes when the directory below it is removed elsewhere, and the
    last lab to go down removes the common one.
    """
    unshare(CLONE_NEWNS)
    mount("none", "/", "none", MS_REC | MS_SLAVE)
    mount("tmpfs", str(RUN), "tmpfs", options="mode=755")


@contextmanager
def turn() -> Iterator[None]:
    """Wait until no other process on the machine has its turn, and have it meanwhile."""
    everybodys = os.open("/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(everybodys, fcntl.LOCK_EX)
        yield
    finally:
        fcntl.flock(everybodys, fcntl.LOCK_UN)  # a process forked meanwhile may have inherited it
        os.close(everybodys)
