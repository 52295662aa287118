"""A node as the components in it see it: its sockets, its time, its programs, its routes."""

from __future__ import annotations

import selectors
import signal
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from anycastlab.components.base import Ready, Socket, Watched
from anycastlab.errors import ProgramError
from anycastlab.kernel import namespace
from anycastlab.kernel.netlink import Netlink
from anycastlab.lab.faults import Faults
from anycastlab.lab.processes import Daemon, Processes, find_program, without
from anycastlab.lab.sysctls import write_sysctls
from anycastlab.lab.timers import Call, Timer, Timers
from anycastlab.topology.network import Network

_PROGRAM_WITHIN = 10.0
"""Seconds a program may take that the whole lab waits for."""


def _unharmed(call: Call) -> None:
    """Call what a component wants called; a mistake in it is told in the log and ends no lab."""
    try:
        call()
    except Exception:  # noqa: BLE001  whoever wrote the component, the other nodes go on
        traceback.print_exc()


@dataclass(frozen=True, slots=True)
class Loop:
    """What the components of all nodes share: who is watched, what is due, what may change."""

    network: Network
    selector: selectors.BaseSelector
    timers: Timers
    processes: Processes
    faults: Faults


class NodePlace:
    """A component's :class:`~anycastlab.components.base.Place` in one living node."""

    def __init__(self, node: str, held: int, loop: Loop) -> None:
        """*held* is a descriptor of the node's namespace, the supervisor's own."""
        self.node = node
        self.alive = True
        self._held = held
        self._loop = loop

    @property
    def network(self) -> Network:
        """The whole network, as resolved from the file."""
        return self._loop.network

    # -- sockets and time -------------------------------------------------------------------------

    def socket(self, family: int, kind: int, protocol: int = 0) -> Socket:
        """Open a socket in the node's namespace."""
        return namespace.open_socket(self._held, family, kind, protocol)

    def netlink(self, groups: int = 0) -> Netlink:
        """Open a rtnetlink socket in the node's namespace."""
        return Netlink(self._held, groups)

    def inside(self) -> AbstractContextManager[None]:
        """Run what is in the context in the node's namespace."""
        return namespace.inside(self._held)

    def watch(
        self, watched: Watched, ready: Ready, writable: bool = False, readable: bool = True
    ) -> None:
        """Call *ready* whenever *watched* can be read (unless told not to), or also written."""

        def call(_file: object, _events: int) -> None:
            _unharmed(partial(ready, watched))

        selector = self._loop.selector
        events = readable * selectors.EVENT_READ | writable * selectors.EVENT_WRITE
        if watched.fileno() in selector.get_map():
            selector.modify(watched, events, call)
        else:
            selector.register(watched, events, call)

    def unwatch(self, watched: Watched) -> None:
        """Watch it no more."""
        self._loop.selector.unregister(watched)

    def after(self, seconds: float, call: Call) -> Timer:
        """Call *call* in so many seconds, unless the timer is cancelled."""
        return self._loop.timers.after(seconds, partial(_unharmed, call))

    # -- the node's settings and programs ---------------------------------------------------------

    def sysctl(self, values: Mapping[str, str]) -> None:
        """Write sysctls of the node, named below /proc/sys/net. Raises FeatureError."""
        write_sysctls(self.node, self._held, values)

    def program(self, command: Sequence[str], package: str, given: str = "") -> str:
        """Run a short program in the node, *given* on its input; return what it printed.

        Everybody waits for it. Raises ProgramError when it is not there (naming the Debian
        *package*), takes too long, or fails; then with its own words.
        """
        import subprocess  # most labs run none

        path = find_program(command[0], package)
        with without(signal.SIGCHLD), self.inside():
            try:
                done = subprocess.run(
                    [path, *command[1:]],
                    input=given,
                    capture_output=True,
                    text=True,
                    timeout=_PROGRAM_WITHIN,
                    check=False,
                )
            except subprocess.TimeoutExpired as error:
                raise ProgramError(f"{command[0]} in {self.node} does not end") from error
        if done.returncode:
            words = " | ".join(line.strip() for line in done.stderr.splitlines()[:3])
            raise ProgramError(f"{command[0]} in {self.node} failed: {words}")
        return done.stdout

    def directory(self) -> Path:
        """The node's own directory, for files of its daemons; daemons start in it."""
        return self._loop.processes.directory(self.node)

    def daemon(self, command: Sequence[str], package: str) -> Daemon:
        """Start a program in the node that runs on. Raises ProgramError when it is not there."""
        path = find_program(command[0], package)
        return self._loop.processes.start(self.node, self._held, [path, *command[1:]])

    def end_daemon(self, daemon: Daemon, how: signal.Signals = signal.SIGKILL) -> None:
        """End a program that was started here."""
        self._forget(daemon)
        self._loop.processes.stop(self.node, how, daemon.name)

    def spawn(
        self, name: str, command: Sequence[str], package: str, ended: Callable[[int], None]
    ) -> Daemon:
        """Start a short program that nobody waits for; *ended* is told how it ended.

        One called *name* that runs still is killed, and then tells nobody; nor does, rarely, one
        that ends while others are reaped: whoever waits must not wait for ever.
        """
        path = find_program(command[0], package)
        self._forget(self._loop.processes.named(self.node, name))
        start = self._loop.processes.start
        program = start(self.node, self._held, [path, *command[1:]], name=name, short=True)

        def end(_handle: object, _events: int) -> None:
            self.end_daemon(program)
            if program.status is not None:
                _unharmed(partial(ended, program.status))

        self._loop.selector.register(program.handle, selectors.EVENT_READ, end)
        return program

    def _forget(self, program: Daemon | None) -> None:
        if program is not None and program.handle in self._loop.selector.get_map():
            self._loop.selector.unregister(program.handle)

    # -- the routing system -----------------------------------------------------------------------

    def announced(self, group: str, member: str) -> bool:
        """Whether routes lead to a member."""
        return (group, member) not in self._loop.faults.state.withdrawn

    def announce(self, group: str, member: str | None = None) -> bool:
        """Let routes lead to a member (this node if none is named).

        False if they do already, or if it was withdrawn by hand.
        """
        faults, member = self._loop.faults, member or self.node
        if (group, member) in faults.by_agent:
            return faults.vouch((group, member), self.node)
        if self.announced(group, member) or faults.kept_withdrawn(member, group):
            return False
        faults.announce(member, group)
        return True

    def withdraw(self, group: str, member: str | None = None) -> bool:
        """Let no route lead to a member (this node if none is named); False if none does."""
        faults, member = self._loop.faults, member or self.node
        if (group, member) in faults.by_agent:
            return faults.miss((group, member), self.node)
        if not self.announced(group, member):
            return False
        faults.withdraw(member, group, by_hand=False)
        return True

    def announcers(self, group: str) -> tuple[str, ...]:
        """The living members of a group that routes lead to."""
        return self._loop.faults.announcers(group)
