"""Wait for a file to appear in a directory: inotify(7)."""

from __future__ import annotations

import ctypes
import os
import select
import time
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
_IN_CREATE, _IN_MOVED_TO = 0x100, 0x80


def wait_for_file(path: Path, deadline: float, *others: int) -> bool:
    """Wait until *path*, in a directory that exists, is there.

    Returns False at *deadline* (on the monotonic clock), or as soon as one of the descriptors in
    *others* becomes readable.
    """
    watch = _libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
    if watch < 0:
        raise OSError(ctypes.get_errno(), "inotify_init1")
    poll = select.poll()
    for descriptor in (watch, *others):
        poll.register(descriptor, select.POLLIN)
    try:
        if _libc.inotify_add_watch(watch, bytes(path.parent), _IN_CREATE | _IN_MOVED_TO) < 0:
            raise OSError(ctypes.get_errno(), "inotify_add_watch")
        while not path.exists():
            left = max(deadline - time.monotonic(), 0)
            if {descriptor for descriptor, _ in poll.poll(left * 1000)} != {watch}:
                return False
            os.read(watch, 1 << 16)
        return True
    finally:
        os.close(watch)
