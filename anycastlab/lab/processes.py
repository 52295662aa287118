"""The daemons of a lab: started inside a node, watched and ended by their descriptors.

Each node's daemons share one directory, ``RUNDIR/nodes/NODE``, with their configuration, sockets
and logs. They start in it and are told of files by bare names: a socket's path has at most 107
bytes.
"""

from __future__ import annotations

import os
import resource
import select
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from anycastlab.errors import ProgramError
from anycastlab.kernel import namespace
from anycastlab.lab.private_mounts import View, seeing

LOG_LIMIT = 16 << 20
"""Bytes of any file a daemon writes: a log that fills up must not fill the disk."""
_TERM_WITHIN = 5.0
"""Seconds to end in after TERM; then comes KILL."""
_TAIL_LINES, _TAIL_BYTES = 3, 4096
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
_IGNORED_BY_US = (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE)


@dataclass(slots=True)
class Daemon:
    """A daemon that was started: its node, its name and process, and how it ended if it has."""

    node: str
    name: str
    pid: int
    handle: int
    log: Path
    short: bool = False
    status: int | None = None

    def last_words(self) -> str:
        """The last lines of its log, in one line."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, self.log.stat().st_size - _TAIL_BYTES))
                text = file.read().decode(errors="replace")
        except FileNotFoundError:
            return ""
        return " | ".join(line.strip() for line in text.splitlines()[-_TAIL_LINES:])

    def describe_end(self, status: int) -> str:
        """Say that it ended with *status* (below 0: by a signal), and its last words."""
        how = f"with status {status}" if status >= 0 else f"by {signal.Signals(-status).name}"
        words = self.last_words()
        return f"{self.name} in {self.node} ended {how}" + (f": {words}" if words else "")


def find_program(program: str, package: str) -> str:
    """The path of *program*. Raises ProgramError that names the Debian package.

    Beside each directory of PATH its neighbours are searched where daemons live: those of /usr/bin
    are /usr/sbin and /usr/lib/frr.
    """
    for entry in filter(None, os.environ.get("PATH", "").split(os.pathsep)):
        for place in (Path(entry), Path(entry, "../sbin"), Path(entry, "../lib/frr")):
            path = place / program
            if os.access(path, os.X_OK) and path.is_file():
                return str(path)
    raise ProgramError(f"{program} is not installed", f"sudo apt install {package}")


class Processes:
    """Starts, watches and ends daemons, each in its node's namespace."""

    def __init__(self, rundir: Path) -> None:
        """*rundir* is the lab's own directory."""
        self._nodes = rundir / "nodes"
        self._daemons: dict[str, dict[str, Daemon]] = {}
        self._previous = signal.signal(signal.SIGCHLD, self._child_ended)

    def directory(self, node: str) -> Path:
        """The directory of a node's daemons."""
        path = self._nodes / node
        path.mkdir(mode=0o755, parents=True, exist_ok=True)
        return path

    def start(
        self,
        node: str,
        held: int,
        command: Sequence[str],
        view: View | None = None,
        name: str = "",
        short: bool = False,
    ) -> Daemon:
        """Start a program in the namespace *held* of a node; it goes by its own name there.

        One of that *name* which runs still is killed. What is *short* begins its log anew, and
        is killed with all it started. Raises ProgramError when it cannot be started.
        """
        directory, name = self.directory(node), name or Path(command[0]).name
        self.stop(node, signal.SIGKILL, name)
        log = directory / f"{name}.log"
        if short:
            log.unlink(missing_ok=True)
        with without(signal.SIGCHLD), _short_files(), _elsewhere(held, directory, view):
            pid = _spawn(command, log.name)
            daemon = Daemon(node, name, pid, os.pidfd_open(pid), log, short)
            self._daemons.setdefault(node, {})[name] = daemon
        return daemon

    def stop(self, node: str, how: signal.Signals, name: str | None = None) -> None:
        """End a node's daemons, or one of them: with KILL at once, with TERM in their own way.

        They take leave in the opposite order of their start; killed ones go in the order of it, so
        that none sees another go and can act on it.
        """
        known = self._daemons.get(node, {})
        going = [known.pop(key) for key in list(known) if name in (None, key)]
        for daemon in going if how == signal.SIGKILL else reversed(going):
            self._end_group(daemon)
            end(daemon.handle, how)
            os.close(daemon.handle)
            self._reap(daemon)

    def running(self, node: str) -> list[Daemon]:
        """A node's daemons, those that ended by themselves included."""
        return list(self._daemons.get(node, {}).values())

    def named(self, node: str, name: str) -> Daemon | None:
        """A node's daemon of that name, if there is one."""
        return self._daemons.get(node, {}).get(name)

    def handles(self) -> list[int]:
        """Descriptors of all daemons; each becomes readable when its daemon ends."""
        return [one.handle for known in self._daemons.values() for one in known.values()]

    def ended(self) -> str:
        """The first daemon that ended although nobody stopped it; '' when there is none."""
        found = (self.end_of(one) for known in self._daemons.values() for one in known.values())
        return next(filter(None, found), "")

    def end_of(self, daemon: Daemon) -> str:
        """How a daemon ended by itself; '' while it runs."""
        self._reap(daemon)
        return "" if daemon.status is None else daemon.describe_end(daemon.status)

    def close(self) -> None:
        """End all daemons."""
        for node in list(self._daemons):
            self.stop(node, signal.SIGKILL)
        signal.signal(signal.SIGCHLD, self._previous)

    def _child_ended(self, number: int, frame: FrameType | None) -> None:
        """Ask how our own ended before an init process reaps whatever child it finds."""
        for daemons in self._daemons.values():
            for daemon in daemons.values():
                self._reap(daemon)
        if callable(self._previous):
            self._previous(number, frame)

    def _end_group(self, daemon: Daemon) -> None:
        with without(signal.SIGCHLD):
            self._reap(daemon)
            if daemon.short and daemon.status is None:
                with suppress(ProcessLookupError):  # an init has reaped it: how it ended is lost
                    os.killpg(daemon.pid, signal.SIGKILL)

    def _reap(self, daemon: Daemon) -> None:
        if daemon.status is None:
            try:
                pid, status = os.waitpid(daemon.pid, os.WNOHANG)
            except ChildProcessError:
                return
            if pid:
                daemon.status = os.waitstatus_to_exitcode(status)


def end(handle: int, how: signal.Signals) -> None:
    """End a process by its descriptor and wait until it has: by KILL when TERM does not do."""
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    try:
        signal.pidfd_send_signal(handle, how)
        if how == signal.SIGKILL or not poll.poll(_TERM_WITHIN * 1000):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            poll.poll(_TERM_WITHIN * 1000)
    except ProcessLookupError:
        return


@contextmanager
def without(number: signal.Signals) -> Iterator[None]:
    """Hold a signal back: a child that ends at once must be known before it is reaped."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _short_files() -> Iterator[None]:
    """Let no file of what is started grow beyond LOG_LIMIT: writing more fails (EFBIG)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    limit = LOG_LIMIT if hard == resource.RLIM_INFINITY else min(LOG_LIMIT, hard)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def _elsewhere(held: int, directory: Path, view: View | None) -> Iterator[None]:
    """Be in a node's namespace and directory, with its view of files."""
    before = os.open(".", os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.chdir(directory)
        with namespace.inside(held), seeing(view):
            yield
    finally:
        os.fchdir(before)
        os.close(before)


def _spawn(command: Sequence[str], log: str) -> int:
    writing = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    try:
        return os.posix_spawn(
            command[0],
            list(command),
            _ENVIRONMENT,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, log, writing, 0o644),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsigmask=(),
            setpgroup=0,
            setsigdef=_IGNORED_BY_US,
        )
    except OSError as error:
        raise ProgramError(f"cannot start {command[0]}: {error.strerror}") from error
