"""The names of a lab's namespaces in /run/netns: symbolic links to the supervisor's descriptors.

`ip netns exec`, `ip -n` and tcpdump follow them; they cannot keep a dead lab alive.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from anycastlab.errors import LabExistsError

DIRECTORY = Path("/run/netns")


def netns_name(lab: str, namespace: str) -> str:
    """The name of a node's namespace for `ip netns`."""
    return f"{lab}.{namespace}"


def _target(pid: int, descriptor: int | str) -> str:
    return f"/proc/{pid}/fd/{descriptor}"


def publish(name: str, pid: int, descriptor: int) -> None:
    """Name a descriptor of process *pid*. Raises LabExistsError when the name is someone else's."""
    path = f"{DIRECTORY}/{name}"
    if os.path.islink(path) and not os.path.exists(path):
        os.unlink(path)  # it leads to a process that is gone
    try:
        os.symlink(_target(pid, descriptor), path)
    except FileNotFoundError:
        DIRECTORY.mkdir(exist_ok=True)
        os.symlink(_target(pid, descriptor), path)
    except FileExistsError:
        raise LabExistsError(
            f"a network namespace {name!r} exists that this lab did not make; "
            f"remove it (ip netns del {name}) or name the lab otherwise"
        ) from None


def withdraw(names: Iterable[str], pid: int) -> None:
    """Remove those of *names* that point to process *pid*; others are not ours."""
    own = _target(pid, "")
    for name in names:
        path = f"{DIRECTORY}/{name}"
        try:
            if os.readlink(path).startswith(own):
                os.unlink(path)
        except OSError:  # not there, or not a symbolic link: not ours
            continue
