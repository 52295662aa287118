"""The process that runs the wires of a lab, as its parent holds it.

It is forked, in the parent's network namespace, where the inner ends of all wires are. It keeps
none of the parent's descriptors: they would keep dead nodes' namespaces alive.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import sys
import traceback
from contextlib import suppress
from dataclasses import asdict
from typing import Any, NoReturn

from anycastlab.errors import HostError
from anycastlab.kernel.syscalls import set_process_name
from anycastlab.kernel.wire_loop import Loop
from anycastlab.topology.network import Impairment

_ANSWER_WITHIN = 10.0
_LARGEST = 1 << 16


class WireProcess:
    """Runs wires between pairs of interfaces of the namespace in which it was made."""

    def __init__(self, name: str) -> None:
        """*name* is what `ps` shows."""
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.settimeout(_ANSWER_WITHIN)
        sys.stdout.flush()
        sys.stderr.flush()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        try:
            self.pid = os.fork()
            if self.pid == 0:
                _run(theirs, name)
            self._handle = os.pidfd_open(self.pid)  # before a parent that reaps all can
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()

    @property
    def runs(self) -> bool:
        """Whether the process has not ended."""
        poll = select.poll()
        poll.register(self._handle, select.POLLIN)
        return not poll.poll(0)

    def add(self, name: str, indexes: tuple[int, int], impairment: Impairment) -> None:
        """Join two interfaces, whose veth peers are in their nodes; both are brought up.

        The wire goes with its interfaces. Raises HostError.
        """
        self._ask({"add": name, "indexes": indexes, "impairment": asdict(impairment)})

    def impair(self, name: str, impairment: Impairment) -> None:
        """Change what a wire does to frames that go in from now on. Raises HostError."""
        self._ask({"impair": name, "impairment": asdict(impairment)})

    def close(self) -> None:
        """End the process."""
        self._control.close()
        os.close(self._handle)
        with suppress(ChildProcessError):  # a parent that reaps whatever ends was faster
            os.waitpid(self.pid, 0)

    def _ask(self, request: dict[str, Any]) -> None:
        try:
            self._control.send(json.dumps(request).encode())
            answer = self._control.recv(_LARGEST)
        except OSError as error:
            answer = str(error).encode()
        if answer != b"ok":
            said = answer.decode() or "it has ended"
            raise HostError(f"the process that carries the frames of impaired links: {said}")


def _run(control: socket.socket, name: str) -> NoReturn:
    try:
        os.closerange(3, control.fileno())
        os.closerange(control.fileno() + 1, os.sysconf("SC_OPEN_MAX"))
        gc.disable()  # what is made here ends up in no cycles
        set_process_name(name)
        with suppress(PermissionError):  # a frame must not wait for others' turns
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
        loop = Loop()
        loop.watch(control.fileno(), lambda: _answer(control, loop))
        loop.run()
    except BaseException:  # noqa: BLE001  the last words of this process; there is nobody to raise to
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(0)


def _answer(control: socket.socket, loop: Loop) -> None:
    data = control.recv(_LARGEST)
    if not data:
        os._exit(0)  # the parent is gone
    request = json.loads(data)
    impairment = Impairment(**request["impairment"])
    try:
        if "add" in request:
            loop.add(request["add"], tuple(request["indexes"]), impairment)
        else:
            loop.impair(request["impair"], impairment)
        control.send(b"ok")
    except (OSError, KeyError) as error:
        control.send(str(error).encode() or b"?")
