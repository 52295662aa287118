"""What a process that must act at exact moments asks of the kernel."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import struct
from contextlib import suppress

_CLOCK_MONOTONIC, _TIMER_ABSTIME = 1, 1
_PR_SET_PDEATHSIG, _PR_SET_TIMERSLACK = 1, 29
_BILLION = 1_000_000_000

_libc = ctypes.CDLL(None, use_errno=True)
_clock_nanosleep = _libc.clock_nanosleep
_Timespec = ctypes.c_int64 * 2


def wait_until(moment: int) -> None:
    """Return at *moment*, nanoseconds of the monotonic clock; at once when it is past."""
    deadline = _Timespec(*divmod(moment, _BILLION))
    while _clock_nanosleep(_CLOCK_MONOTONIC, _TIMER_ABSTIME, deadline, None) == errno.EINTR:
        pass


def be_punctual() -> None:
    """Wake the calling thread as soon as the host allows, at a deadline or for an event.

    Timers lose the slack that saves power; with the privilege, nothing ordinary runs first.
    """
    _libc.prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


def keep_processors_awake() -> None:
    """Have no processor sleep until the calling process ends: waking one may take milliseconds.

    With the privilege, and where the host has the means (the kernel's pm_qos_interface.rst).
    """
    with suppress(OSError):
        request = os.open("/dev/cpu_dma_latency", os.O_WRONLY | os.O_CLOEXEC)
        os.write(request, struct.pack("i", 0))  # microseconds; it holds while it is open


def end_with_parent() -> None:
    """Have the kernel end this process when the one that forked it ends (PR_SET_PDEATHSIG).

    Ctrl-C and the like, which reach all of a terminal's processes, are the parent's to understand.
    """
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.SIG_IGN)
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
