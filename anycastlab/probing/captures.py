"""Record many nodes at once, beside whatever else is measured: in a process of its own.

The process gets the sockets from here, so it holds nothing of the lab but those; a node that is
made again gets a new file, since it is another namespace.
"""

from __future__ import annotations

import json
import os
import select
import socket
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from anycastlab.errors import HostError, UsageError
from anycastlab.kernel.pacing import end_with_parent
from anycastlab.probing.capture import Recording
from anycastlab.probing.nodes import Nodes

_MESSAGE = 1 << 16
_ENDED = "the process that captures has ended"
_SLOTS = 4
"""Packets that are read at a time: there may be many nodes, and each slot holds a whole packet."""


class Captures:
    """Recordings of *names* in ``directory/NODE.pcapng``, from its making on; a context manager.

    Raises UsageError for an unknown node. ``lost`` has, after the end, how many packets are missing
    of each node whose buffer was too small.
    """

    def __init__(self, nodes: Nodes, names: Iterable[str], directory: Path) -> None:
        self._nodes, self._names, self._directory = nodes, tuple(names), directory
        self._lives = Counter[str]()
        self.lost: dict[str, int] = {}
        directory.mkdir(exist_ok=True)
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._pid = os.fork()
        if self._pid == 0:
            self._control.close()
            _be_the_child(theirs)
        theirs.close()
        try:
            for name in self._names:
                self.again(name)
        except BaseException:
            self.close()
            raise

    def again(self, node: str) -> None:
        """Record a node that has come back; nothing happens when it is not recorded at all."""
        if node not in self._names:
            return
        self._lives[node] += 1
        life = self._lives[node]
        path = self._directory / (f"{node}.pcapng" if life == 1 else f"{node}.{life}.pcapng")
        tap = self._nodes.socket(node, socket.AF_PACKET, socket.SOCK_DGRAM)
        with tap as sock, suppress(BrokenPipeError):  # the answer says why it has ended
            socket.send_fds(self._control, [str(path).encode()], [sock.fileno()])
        answer = self._control.recv(_MESSAGE)
        if answer != b"ok":
            raise UsageError(answer.decode() or _ENDED)

    def __enter__(self) -> Captures:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Record what has come until now, and end. Raises HostError when the process failed."""
        if self._control.fileno() < 0:
            return
        with self._control:
            self._control.shutdown(socket.SHUT_WR)
            lost = self._control.recv(_MESSAGE)
        status = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        if status:
            raise HostError(lost.decode() or f"{_ENDED} with status {status}")
        self.lost = json.loads(lost)


# -- in the forked process ------------------------------------------------------------------------


def _be_the_child(control: socket.socket) -> NoReturn:
    status = 1
    try:
        end_with_parent()
        _record(control)
        status = 0
    except UsageError as error:
        control.send(str(error).encode())
    finally:
        os._exit(status)


def _record(control: socket.socket) -> None:
    """Take new sockets and what they receive, until the parent has had enough."""
    recordings: dict[int, tuple[str, Recording]] = {}
    waiting = select.poll()
    waiting.register(control, select.POLLIN)
    ended = False
    while not ended:
        for descriptor, _ in waiting.poll():
            if descriptor != control.fileno():
                recordings[descriptor][1].take()
                continue
            found = _admit(control)
            if found is None:
                ended = True
            elif isinstance(found, str):
                control.send(found.encode())
            else:
                recordings[found[1].fileno()] = found
                waiting.register(found[1], select.POLLIN)
                control.send(b"ok")
    control.send(json.dumps(_finish(recordings.values())).encode())


def _admit(control: socket.socket) -> tuple[str, Recording] | str | None:
    """Begin another recording: the node and it; or what is wrong; None at the end."""
    path, descriptors, _, _ = socket.recv_fds(control, _MESSAGE, 1)
    if not descriptors:
        return None
    name = path.decode()
    try:
        sock = socket.socket(fileno=descriptors[0])
        return Path(name).name.split(".")[0], Recording(sock, name, _SLOTS)
    except UsageError as error:
        return str(error)


def _finish(recordings: Iterable[tuple[str, Recording]]) -> dict[str, int]:
    """Take the rest of all, close the files; return what was lost, by node."""
    lost = Counter[str]()
    for node, recording in recordings:
        recording.take()
        lost[node] += recording.lost()
        recording.close()
    return {node: count for node, count in lost.items() if count}
