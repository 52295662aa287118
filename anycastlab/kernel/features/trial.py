"""Try something in a child process, inside namespaces that vanish with it."""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

from anycastlab.kernel import syscalls

_NAMESPACES = syscalls.CLONE_NEWNET | syscalls.CLONE_NEWNS | syscalls.CLONE_NEWPID
_NOBODY = 65534
_DEADLINE = 10.0
"""Seconds a trial may take; a kernel that loads a module from a slow disk needs one or two."""


class UntriedError(OSError):
    """What a trial needs first is missing, so the trial itself did not take place."""


def trial(probe: Callable[[], str], as_nobody: bool = False) -> str:
    """Run *probe* in network, mount and PID namespaces of its own, and return its remark.

    Root is used if we have it and *as_nobody* is false; otherwise a user namespace comes first.
    Raises the OSError the probe raised, or UntriedError where the host refuses the namespaces.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _leave_when_done(lambda: _child(probe, as_nobody, writer))
    os.close(writer)
    try:
        answer = _read(reader, time.monotonic() + _DEADLINE)
    finally:
        os.close(reader)
        _end(child)
    return _unpack(answer)


def isolated(probe: Callable[[], str]) -> Callable[[], str]:
    """Return *probe* as one that runs in a trial."""
    return partial(trial, probe)


def _child(probe: Callable[[], str], as_nobody: bool, writer: int) -> None:
    os.setsid()  # one process group, so that a hanging trial can be ended as a whole
    try:
        _enter(as_nobody)
    except OSError as error:
        _answer(writer, UntriedError(error.errno, error.strerror))
        return
    inner = os.fork()  # the first process of the PID namespace
    if inner == 0:
        _leave_when_done(lambda: _try(probe, writer))
    os.waitpid(inner, 0)


def _enter(as_nobody: bool) -> None:
    if as_nobody and os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
        syscalls.set_dumpable()
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0:
        syscalls.unshare(_NAMESPACES)
        return
    syscalls.unshare(syscalls.CLONE_NEWUSER | _NAMESPACES)
    syscalls.set_dumpable()
    Path("/proc/self/setgroups").write_bytes(b"deny")
    Path("/proc/self/uid_map").write_bytes(b"0 %d 1" % uid)
    Path("/proc/self/gid_map").write_bytes(b"0 %d 1" % gid)


def _try(probe: Callable[[], str], writer: int) -> None:
    try:
        remark = probe()
    except OSError as error:
        _answer(writer, error)
    else:
        os.write(writer, json.dumps({"remark": remark}).encode())


def _answer(writer: int, error: OSError) -> None:
    words = {
        "errno": error.errno or 0,
        "text": error.strerror or str(error),
        "untried": isinstance(error, UntriedError),
    }
    os.write(writer, json.dumps(words).encode())


def _leave_when_done(work: Callable[[], None]) -> None:
    """Run *work* and end this process: a forked child must never return into its parent's code."""
    try:
        work()
    finally:
        if sys.exception():
            traceback.print_exc()
            sys.stderr.flush()
        os._exit(0)


def _read(reader: int, deadline: float) -> bytes:
    answer = b""
    poll = select.poll()
    poll.register(reader, select.POLLIN)
    while poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        part = os.read(reader, 65536)
        if not part:
            break
        answer += part
    return answer


def _end(child: int) -> None:
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:  # it had not made its group yet, or is gone
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def _unpack(answer: bytes) -> str:
    if not answer:
        raise OSError("the trial ended without an answer")
    words = json.loads(answer)
    if "remark" in words:
        return str(words["remark"])
    kind = UntriedError if words["untried"] else OSError
    raise kind(words["errno"], words["text"])
