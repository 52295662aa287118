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

PLACES = (Path("/run/netns"), Path("/run/anycastlab"))


def hide_labs() -> None:
    """Give this process, and all that it starts, empty PLACES that nobody else sees."""
    for place in PLACES:
        place.mkdir(exist_ok=True)
    unshare(CLONE_NEWNS)
    mount("none", "/", "none", MS_REC | MS_SLAVE)
    for place in PLACES:
        mount("tmpfs", str(place), "tmpfs", options="mode=755")


@contextmanager
def turn() -> Iterator[None]:
    """Wait until no other process on the machine has its turn, and have it meanwhile."""
    everybodys = os.open("/run", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(everybodys, fcntl.LOCK_EX)
        yield
    finally:
        fcntl.flock(everybodys, fcntl.LOCK_UN)  # a process forked meanwhile may have inherited it
        os.close(everybodys)
