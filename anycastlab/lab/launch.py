"""Bring a lab up: take its name, fork its supervisor, wait until it is ready.

The supervisor is forked, not started anew: what this process has imported and resolved is there.
It waits for a word before it makes anything, so that its number is on disk first; and it gives up
when this process dies before the lab is ready.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from anycastlab.errors import (
    AnycastlabError,
    FeatureError,
    InterruptedLabError,
    NotReadyError,
)
from anycastlab.kernel.process import Process
from anycastlab.kernel.syscalls import CLONE_NEWPID, unshare
from anycastlab.lab import names, rootless, wiring
from anycastlab.lab.channel import decode_error, encode_error, pack
from anycastlab.lab.record import LabDirectory, Record, locked
from anycastlab.lab.supervisor import Supervisor, become_init
from anycastlab.lab.teardown import erase
from anycastlab.topology.network import Network

Progress = Callable[[str, int, int], None]
"""Called with a phase, how many things are done, and of how many."""
Autopsy = Callable[[Path], object]
"""Called with the directory of a lab that does not come up, before it is removed."""
_ENDING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})


def launch(
    network: Network, file: str, text: bytes, progress: Progress, autopsy: Autopsy
) -> Record:
    """Bring *network* up and return the lab's record once every readiness condition holds.

    *text* is the topology file's content. Raises LabExistsError when the name is taken, HostError
    when this host cannot do it, InterruptedLabError when the lab is taken down meanwhile; after any
    error nothing is left.
    """
    directory = LabDirectory(network.name)
    record = Record(
        name=network.name,
        file=str(Path(file).absolute()),
        starter=Process.of(os.getpid()),
        rootless=rootless.needed(),
        names=tuple(names.netns_name(network.name, name) for name in wiring.namespaces(network)),
    )
    with _defer_interrupt(), locked():
        directory.create(record, text)
        try:
            record, pipe = _start(network, directory, record)
        except BaseException:
            directory.remove()
            raise
    try:
        with pipe:
            pipe.sendall(b"go")
            _follow(pipe, progress)
        _mark_ready(directory)
    except BaseException:
        autopsy(directory.path)
        erase(directory, record)
        raise
    return replace(record, ready=True)


@contextmanager
def _defer_interrupt() -> Iterator[None]:
    """Hold Ctrl-C and the like back while the record and the process it names must agree."""
    held = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


def _mark_ready(directory: LabDirectory) -> None:
    with locked():
        if directory.read() is None:
            raise InterruptedLabError("the lab was taken down while it came up")
        directory.update(ready=True)


def _start(
    network: Network, directory: LabDirectory, record: Record
) -> tuple[Record, socket.socket]:
    """Fork the supervisor through a helper that makes its namespaces; write down its number."""
    ours, theirs = socket.socketpair()
    sys.stdout.flush()
    sys.stderr.flush()
    helper = os.fork()
    if helper == 0:
        ours.close()
        _helper(network, directory, theirs)
    theirs.close()
    try:
        answer = _read_line(ours)
    finally:
        os.waitpid(helper, 0)
    if "error" in answer:
        ours.close()
        raise decode_error(answer)
    record = replace(record, supervisor=Process.of(answer["pid"]))
    directory.write(record)
    return record, ours


def _follow(pipe: socket.socket, progress: Progress) -> None:
    while True:
        answer = _read_line(pipe)
        if "error" in answer:
            raise decode_error(answer)
        if "ready" in answer:
            return
        progress(*answer["progress"])


def _read_line(pipe: socket.socket) -> dict[str, Any]:
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = pipe.recv(1)
        if not byte:
            raise InterruptedLabError("the supervisor ended while the lab came up")
        line += byte
    answer = json.loads(line)
    assert isinstance(answer, dict)
    return answer


# -- in the forked processes ----------------------------------------------------------------------


def _helper(network: Network, directory: LabDirectory, pipe: socket.socket) -> NoReturn:
    """Make the PID namespace and its init, tell its number, and end."""
    try:
        os.setsid()
        listener = _listen(directory)
        log = os.open(directory.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        if rootless.needed():
            rootless.enter_own_user_namespace()
        unshare(CLONE_NEWPID)
        child = os.fork()
        if child == 0:
            _supervise(network, directory, pipe, listener, log)
        pipe.sendall(pack({"pid": child}))
    except AnycastlabError as error:
        pipe.sendall(pack(encode_error(error)))
    except OSError as error:
        remedy = "run as root (sudo)" if os.geteuid() else "see anycastlab doctor"
        problem = NotReadyError(f"cannot start the supervisor: {error}", remedy)
        pipe.sendall(pack(encode_error(problem)))
    finally:
        os._exit(0)


def _listen(directory: LabDirectory) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # a path of a Unix socket has at most 107 bytes: bind below the directory itself
    before = os.open(".", os.O_RDONLY | os.O_CLOEXEC)
    mask = os.umask(0o177)
    try:
        os.chdir(directory.path)
        listener.bind("control")
    finally:
        os.umask(mask)
        os.fchdir(before)
        os.close(before)
    listener.listen(128)
    return listener


def _supervise(
    network: Network,
    directory: LabDirectory,
    pipe: socket.socket,
    listener: socket.socket,
    log: int,
) -> NoReturn:
    """The init of the lab's PID namespace."""
    status = 1
    try:
        become_init()
        _raise_limits()
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        null = os.open(os.devnull, os.O_RDONLY)
        for standard, descriptor in enumerate((null, log, log)):
            os.dup2(descriptor, standard)
        # what the caller had put in their place (a test runner's capture) is not ours
        sys.stdout = sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
        logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(message)s", force=True)
        _close_others({0, 1, 2, pipe.fileno(), listener.fileno()})
        if pipe.recv(2) == b"go":
            supervisor = Supervisor(network, directory.path, _outer_pid())
            status = _build_and_serve(supervisor, pipe, listener)
    except BaseException as error:  # noqa: BLE001  last words; there is nobody to raise to
        traceback.print_exc()
        with suppress(OSError):  # whoever waited for the lab has it already, or is gone
            pipe.sendall(pack(encode_error(_own_fault(error))))
    finally:
        sys.stderr.flush()
        os._exit(status)


def _own_fault(error: BaseException) -> NotReadyError:
    what = f"the lab's supervisor failed: {error!r}"
    return NotReadyError(
        what, "a fault of anycastlab, or of a component; run keeps logs/supervisor.log"
    )


def _raise_limits() -> None:
    """Allow as many descriptors as may be: a node takes one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _close_others(kept: set[int]) -> None:
    for name in os.listdir("/proc/self/fd"):
        descriptor = int(name)
        if descriptor not in kept:
            try:
                os.close(descriptor)
            except OSError:  # the listing's own
                continue


def _build_and_serve(supervisor: Supervisor, pipe: socket.socket, listener: socket.socket) -> int:

    def progress(phase: str, done: int, total: int) -> None:
        if done in (0, total) or done % 50 == 0:
            pipe.sendall(pack({"progress": [phase, done, total]}))

    try:
        supervisor.build(progress)
        pipe.sendall(pack({"ready": True}))
    except BrokenPipeError:  # whoever asked for the lab is gone
        return 1
    except AnycastlabError as error:
        pipe.sendall(pack(encode_error(error)))
        return 1
    except OSError as error:
        problem = FeatureError(
            f"the kernel refused: {error}", "see what it lacks: anycastlab doctor"
        )
        pipe.sendall(pack(encode_error(problem)))
        return 1
    pipe.close()
    supervisor.serve(listener)
    return 0


def _outer_pid() -> int:
    """This process's number where /proc is mounted."""
    return int(os.readlink("/proc/self"))
