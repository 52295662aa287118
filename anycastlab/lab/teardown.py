"""Take a lab down from its record alone: end its supervisor, remove its names, forget it."""

from __future__ import annotations

import os
import time
from functools import partial

from anycastlab.errors import StateError
from anycastlab.kernel import namespace
from anycastlab.kernel.process import Process, in_other_namespaces
from anycastlab.lab import names, rootless
from anycastlab.lab.record import LabDirectory, Record, locked

_CLEANED_WITHIN = 60.0


def take_down(name: str, known: Record | None = None) -> bool:
    """Take lab *name* down, whatever state it is in; False when there was nothing of that name.

    A lab that is coming up is ended too. Only what its record names is removed. Who holds a lab
    gives the record *known*: it holds when the one on disk was removed, or is a later lab's.
    """
    directory = LabDirectory(name)
    with locked():
        record = known or directory.read()
        if record is None and not directory.path.is_dir():
            return False
        if record is None:  # killed before the first record was whole: nothing was made yet
            directory.remove()
            return True
    erase(directory, record)
    return True


def erase(directory: LabDirectory, record: Record) -> None:
    """End the supervisor and whatever runs in its namespaces; remove names and directory."""
    supervisor = record.supervisor
    if supervisor is not None:
        guests = _guests(supervisor)
        ours = () if record.rootless else record.names
        withdraw = partial(names.withdraw, ours, supervisor.pid)
        if not supervisor.kill(meanwhile=withdraw):
            raise StateError(f"the supervisor of lab {record.name!r} does not end")
        withdraw()  # what it had begun it may have finished while it died
        for guest in guests:
            guest.kill()
    with locked():
        there = directory.read()
        if there is None or there.supervisor == supervisor:  # else the name is taken again
            directory.remove()


def _guests(supervisor: Process) -> list[Process]:
    """The processes in a living supervisor's namespaces (`ip netns exec`); they would keep them."""
    others = in_other_namespaces()
    if others.keys() <= {_namespace_of(supervisor)}:
        return []  # as a rule nobody is in any: spare the reading of all descriptors
    folder = f"/proc/{supervisor.pid}/fd"
    try:
        held = {os.readlink(f"{folder}/{entry}") for entry in os.listdir(folder)}
    except OSError:  # it is dead, and what it held is free
        return []
    if not supervisor.alive():
        return []
    inside = (others[inode] for inode in others if f"net:[{inode}]" in held)
    return [process for processes in inside for process in processes]


def _namespace_of(process: Process) -> int:
    try:
        return os.stat(f"/proc/{process.pid}/ns/net").st_ino
    except OSError:
        return -1


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
