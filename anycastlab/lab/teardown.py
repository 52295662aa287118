"""Take a lab down from its record alone: end its supervisor, remove its names, forget it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress

from anycastlab.errors import StateError
from anycastlab.kernel import namespace
from anycastlab.kernel.process import Process, inside_namespaces
from anycastlab.lab import names, rootless
from anycastlab.lab.record import LabDirectory, Record, locked

_CLEANED_WITHIN = 60.0


def take_down(name: str) -> bool:
    """Take lab *name* down, whatever state it is in; False when there was nothing of that name.

    A lab that is coming up is ended too. Only what its record names is removed.
    """
    directory = LabDirectory(name)
    with locked():
        if not directory.path.is_dir():
            return False
        record = directory.read()
        if record is None:  # killed before the first record was whole: nothing was made yet
            directory.remove()
            return True
    erase(directory, record)
    return True


def erase(directory: LabDirectory, record: Record) -> None:
    """End the supervisor and whatever runs in its namespaces; remove names and directory."""
    supervisor = record.supervisor
    if supervisor is not None:
        inodes = _inodes(supervisor)
        if not supervisor.kill():
            raise StateError(f"the supervisor of lab {record.name!r} does not end")
        _end_all(inside_namespaces(inodes))
        if not record.rootless:
            names.withdraw(record.names, supervisor.pid)
    with locked():
        directory.remove()


def _inodes(supervisor: Process) -> set[int]:
    """The namespaces a living supervisor holds."""
    found = set()
    folder = f"/proc/{supervisor.pid}/fd"
    with suppress(OSError):
        for entry in os.listdir(folder):
            with suppress(OSError):
                target = os.readlink(f"{folder}/{entry}")
                if target.startswith("net:["):
                    found.add(int(target[5:-1]))
    own = os.stat("/proc/self/ns/net").st_ino
    return (found if supervisor.alive() else set()) - {own}


def _end_all(processes: Iterable[Process]) -> None:
    for process in processes:
        process.kill()


def wait_cleaned(timeout: float = _CLEANED_WITHIN) -> float:
    """Wait until the kernel has freed all namespaces let go before; return the seconds it took.

    The kernel frees namespaces in batches, in order: one more, let go now, is freed after them. Its
    end is seen as the end of a link that reaches into it.
    """
    from anycastlab.kernel import messages
    from anycastlab.kernel.netlink import Netlink

    began = time.monotonic()
    if rootless.needed() and not rootless.entered():
        rootless.enter_own_user_namespace()
    with namespace.returning_home():
        doomed, watcher = namespace.create(), namespace.create()
    try:
        with Netlink(watcher, messages.GROUP_LINKS) as events:
            near = (2, "canary", b"\x02\x00\x00\x00\x00\x02", watcher)
            far = (3, "canary", b"\x02\x00\x00\x00\x00\x03", doomed)
            with Netlink(watcher) as maker:
                maker.send([messages.veth(near, far)])
            os.close(doomed)
            doomed = -1
            if not events.wait(lambda kind, _: kind == messages.DELLINK, timeout):
                raise StateError(f"the kernel has not freed the namespaces in {timeout:.0f} s")
    finally:
        os.close(watcher)
        if doomed >= 0:
            os.close(doomed)
    return time.monotonic() - began
