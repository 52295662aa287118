"""Labs of ordinary users: a user namespace in which the lab's own process is root."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from anycastlab.errors import PrivilegeError
from anycastlab.kernel.process import Process
from anycastlab.kernel.syscalls import (
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWUSER,
    MS_NODEV,
    MS_NOSUID,
    mount,
    set_dumpable,
    setns,
    unshare,
)

_SETTINGS = {
    "/proc/sys/user/max_user_namespaces": ("0", "sysctl -w user.max_user_namespaces=10000"),
    "/proc/sys/kernel/unprivileged_userns_clone": (
        "0",
        "sysctl -w kernel.unprivileged_userns_clone=1",
    ),
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": (
        "1",
        "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    ),
}


@cache
def user() -> int:
    """The user this process was started as: inside a user namespace it looks like root."""
    return os.geteuid()


def needed() -> bool:
    """Whether this process could not make network namespaces as it was started."""
    return user() != 0


def entered() -> bool:
    """Whether this process is in a user namespace of ours by now."""
    return needed() and os.geteuid() == 0


def enter_own_user_namespace() -> None:
    """Become root of a new user, mount and network namespace, with a private /run.

    Raises PrivilegeError that names the setting by which this host forbids it.
    """
    own, group = os.geteuid(), os.getegid()
    try:
        unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET)
        set_dumpable()
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {own} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
        mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
        Path("/run/netns").mkdir()
    except OSError as error:
        raise forbidden(error) from error


def forbidden(error: OSError) -> PrivilegeError:
    """Why this host lets no ordinary user have a lab, and the setting that changes it."""
    for path, (bad, remedy) in _SETTINGS.items():
        try:
            if Path(path).read_text().strip() == bad:
                name = path.removeprefix("/proc/sys/").replace("/", ".")
                return PrivilegeError(
                    f"this host forbids user namespaces ({name} = {bad})",
                    f"run as root (sudo), or allow them: sudo {remedy}",
                )
        except OSError:
            continue
    return PrivilegeError(
        f"not root, and no user namespace can be made ({error.strerror})",
        "run as root (sudo); a container's seccomp profile may forbid it",
    )


def enter(supervisor: Process, mounts: bool = False) -> None:
    """Move this process into the user namespace of a rootless lab (and its mounts, for a shell).

    It moves to the supervisor's network namespace too: from there it can enter the nodes' and
    return, which the host's would forbid. The calling process must have one thread.
    """
    if not needed():
        return
    kinds = {"user": CLONE_NEWUSER, "net": CLONE_NEWNET, **({"mnt": CLONE_NEWNS} if mounts else {})}
    places = {
        kind: os.open(f"/proc/{supervisor.pid}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC)
        for name, kind in kinds.items()
    }
    try:
        for kind, place in places.items():
            setns(place, kind)
    finally:
        for place in places.values():
            os.close(place)
    set_dumpable()
