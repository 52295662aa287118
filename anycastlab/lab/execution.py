"""Programs that somebody outside the supervisor runs inside a node and waits for."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anycastlab.errors import ProgramError

if TYPE_CHECKING:
    from anycastlab.lab.handle import Lab

_OUTPUT = 1 << 20
"""Bytes that are kept of what a program prints."""


@dataclass(frozen=True, slots=True)
class Underway:
    """A program that was started: what tells what it has printed by now, and whether it is over."""

    printed: Callable[[], str]
    over: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended: its status (below 0: by a signal; None: it had to be killed because
    its time was over), what it printed on both its outputs, how long it took in seconds."""

    status: int | None
    output: str
    seconds: float


def run(
    lab: Lab,
    node: str,
    command: Sequence[str],
    within: float,
    meanwhile: Callable[[Underway], None] | None = None,
) -> Ended:
    """Run a program in a node, call *meanwhile* while it runs, and wait for its end.

    After *within* seconds it and all its children are killed. Raises ProgramError when it cannot be
    started, UsageError for a node that is unknown or dead.
    """
    with tempfile.TemporaryFile() as printed:
        began = time.monotonic()
        process = _start(lab, node, command, printed.fileno())
        status = None
        try:
            if meanwhile is not None:
                over = process.poll
                meanwhile(Underway(lambda: _read(printed.fileno()), lambda: over() is not None))
            with suppress(subprocess.TimeoutExpired):
                status = process.wait(max(0.0, began + within - time.monotonic()))
        finally:
            _end(process)
        seconds = time.monotonic() - began
        return Ended(status, _read(printed.fileno()), seconds)


def _read(output: int) -> str:
    return os.pread(output, _OUTPUT, 0).decode(errors="replace")


def _start(lab: Lab, node: str, command: Sequence[str], output: int) -> subprocess.Popen[bytes]:
    with lab.inside(node):
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except FileNotFoundError:
            raise ProgramError(f"no program {command[0]!r}") from None
        except OSError as error:
            raise ProgramError(f"cannot run {command[0]!r}: {error.strerror}") from error


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the session a program is the leader of."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
