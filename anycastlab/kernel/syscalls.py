"""The few system calls Python 3.11 lacks, as functions that raise OSError."""

from __future__ import annotations

import ctypes
import os

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_BIND, MS_REC, MS_SLAVE, MNT_DETACH = 0x1000, 0x4000, 1 << 19, 2

_PR_SET_DUMPABLE, _PR_SET_NAME = 4, 15
_SYS_FSOPEN, _SYS_FSCONFIG, _SYS_FSMOUNT = 430, 431, 432
_FSOPEN_CLOEXEC = _FSMOUNT_CLOEXEC = 1
_FSCONFIG_CMD_CREATE = 6

_libc = ctypes.CDLL(None, use_errno=True)
_setns = _libc.setns


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def unshare(flags: int) -> None:
    """Give the calling thread namespaces of its own."""
    _check(_libc.unshare(flags), "unshare")


def setns(descriptor: int, kind: int) -> None:
    """Move the calling thread into the namespace *descriptor* stands for."""
    _check(_setns(descriptor, kind), "setns")


def mount(source: str, target: str, kind: str, flags: int = 0, options: str = "") -> None:
    """mount(2)."""
    result = _libc.mount(source.encode(), target.encode(), kind.encode(), flags, options.encode())
    _check(result, f"mount {target}")


def umount(target: str) -> None:
    """umount2(2), lazily."""
    _check(_libc.umount2(target.encode(), MNT_DETACH), f"umount {target}")


def set_dumpable() -> None:
    """Let processes of the same user reach this one through /proc again.

    Entering a user namespace of one's own takes that right away.
    """
    _check(_libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0), "prctl")


def set_process_name(name: str) -> None:
    """Name the process as `ps` shows it (15 bytes)."""
    _check(_libc.prctl(_PR_SET_NAME, name.encode()[:15] + b"\0", 0, 0, 0), "prctl")


def private_procfs() -> int:
    """Return a descriptor of a procfs that is mounted nowhere.

    Its directory cache is its own, so opening sysctls in the n-th namespace does not walk the
    entries of the n-1 before it.
    """
    context = _check(_libc.syscall(_SYS_FSOPEN, b"proc", _FSOPEN_CLOEXEC), "fsopen")
    try:
        _check(
            _libc.syscall(_SYS_FSCONFIG, context, _FSCONFIG_CMD_CREATE, None, None, 0), "fsconfig"
        )
        return _check(_libc.syscall(_SYS_FSMOUNT, context, _FSMOUNT_CLOEXEC, 0), "fsmount")
    finally:
        os.close(context)
