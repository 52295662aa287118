"""What all planes of real daemons have in common.

Routers, servers and members run a daemon (see speakers). Hosts' own tables are not its matter: the
lab writes them, a static default for each host with one router, and the shortest ways by the
protocol's metric for a host with several.
"""

from __future__ import annotations

import errno
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from anycastlab.errors import ProgramError
from anycastlab.kernel.arrival import wait_for_file
from anycastlab.kernel.netlink import Netlink
from anycastlab.lab import wiring
from anycastlab.lab.planes.base import READY_WITHIN
from anycastlab.lab.planes.convergence import Expectation, kernel_table, wait_for
from anycastlab.lab.planes.speakers import Speaker, Speakers
from anycastlab.lab.processes import Daemon, Processes
from anycastlab.lab.world import World
from anycastlab.routing.forwarder import Forwarder
from anycastlab.routing.metrics import as_seen, beyond_horizon
from anycastlab.routing.state import NetworkState, as_begun
from anycastlab.topology.routing_models import MULTIPATH, RoutingOptions, options_of, protocol_of

STARTS_WITHIN = 10.0
"""Seconds in which a daemon must begin to serve."""
_GONE = (errno.ESRCH, errno.ENODEV, errno.ENETUNREACH, errno.EHOSTUNREACH)


class DaemonPlane(ABC):
    """Real daemons make the routers' routes; the lab writes those of the hosts."""

    def __init__(self, world: World, processes: Processes) -> None:
        self._world = world
        self.processes = processes
        self._options: RoutingOptions = options_of(world.network.routing)
        self._speakers = Speakers(world.network)
        self._multipath = protocol_of(world.network.routing) in MULTIPATH
        self._state = as_begun(world.network)

    @cached_property
    def _forwarder(self) -> Forwarder:
        return Forwarder(*as_seen(self._world.network, self._state))

    @property
    def ready_within(self) -> float:
        """Seconds in which all routes should be there: OSPF's own timers take most of a minute."""
        return READY_WITHIN if self._options.timers.profile == "fast" else 4 * READY_WITHIN

    # -- what a daemon's own plane has to say -----------------------------------------------------

    @abstractmethod
    def prepare(self) -> None:
        """Raise ProgramError unless the programs are there, before anything is made."""

    @abstractmethod
    def launch(self, speakers: Sequence[Speaker]) -> None:
        """Write these speakers' configurations and start their daemons."""

    @abstractmethod
    def socket(self, daemon: Daemon) -> Path:
        """Where a daemon of this plane takes commands."""

    @abstractmethod
    def reconfigure(self, speaker: Speaker) -> None:
        """Have a running daemon take over a changed configuration."""

    # -- the control plane ------------------------------------------------------------------------

    def settle(self) -> bool:
        """Daemons keep themselves ready: nothing is left to do."""
        return False

    def install(self) -> None:
        """Write the hosts' routes and start all daemons. Raises ProgramError."""
        for name, table in self._forwarder.tables.items():
            node = self._world.network.nodes[name]
            if not node.forwards:
                self._world.send(name, wiring.table_messages(node, table))
        self.launch([self._speakers.speaker(name, self._state) for name in self._speakers.names])

    def reconverge(self, state: NetworkState) -> int:
        """Change the hosts' routes, and the configurations where costs or members differ.

        All else the daemons find out by themselves.

        Returns how many routes of hosts were written.
        """
        before, self._state = self._state, state
        changed = self._reroute_hosts(state)
        for name in self._speakers.names if _says_more(before, state) else ():
            if name in state.mute:
                continue  # it will be told when it starts
            speaker = self._speakers.speaker(name, state)
            if speaker != self._speakers.speaker(name, before) and self._runs(name):
                self.reconfigure(speaker)
        return changed

    def _reroute_hosts(self, state: NetworkState) -> int:
        nodes, changed = self._world.network.nodes, 0
        for name, (removed, added) in self._forwarder.update(
            as_seen(self._world.network, state)[1]
        ).items():
            if not nodes[name].forwards and name in self._world.namespaces:
                batch = wiring.route_messages(nodes[name], added.items())
                batch += wiring.withdrawal_messages(removed)
                self._world.send(name, batch, tolerate=_GONE)
                changed += len(batch)
        return changed

    def _runs(self, name: str) -> bool:
        return name in self._world.namespaces and bool(self.processes.running(name))

    def daemons(self, name: str) -> Mapping[str, str]:
        """The daemons of a node, and how each ended by itself ('' while it runs)."""
        return {one.name: self.processes.end_of(one) for one in self.processes.running(name)}

    def stop_daemons(self, name: str, how: signal.Signals) -> None:
        """End a node's daemons; with TERM they take leave of their neighbours first."""
        self.processes.stop(name, how)

    def start_daemons(self, name: str) -> None:
        """Start a node's daemons; return when each of them can be spoken to."""
        if name not in self._speakers.names:
            return
        self.launch([self._speakers.speaker(name, self._state)])
        deadline = time.monotonic() + STARTS_WITHIN
        for daemon in self.processes.running(name):
            if not wait_for_file(self.socket(daemon), deadline, daemon.handle):
                mute = f"{daemon.name} in {name} does not begin to serve: {daemon.last_words()}"
                raise ProgramError(self.processes.end_of(daemon) or mute)

    # -- readiness --------------------------------------------------------------------------------

    def _missing(self, state: NetworkState) -> str:
        """Return '' when no daemon has ended and all routers' tables are as predicted."""
        for name, expectation in self._expectations(state).items():
            with Netlink(self._world.namespaces[name]) as socket:
                wrong = expectation.missing(kernel_table(socket))
            if wrong:
                return self.processes.ended() or wrong[1]
        return self.processes.ended()

    def wait(self, state: NetworkState, deadline: float) -> str:
        """Wait until nothing is missing; return '' or what is, at *deadline* (monotonic clock)."""
        text = ""
        # again, since a router that was complete may lose something while others are waited for
        while not text and self._missing(state):
            text = self._wait_for_each(state, deadline)
        return text and (self.processes.ended() or text)

    def _wait_for_each(self, state: NetworkState, deadline: float) -> str:
        handles = self.processes.handles()
        for name, expectation in self._expectations(state).items():
            text = wait_for(self._world.namespaces[name], expectation, deadline, handles)
            if text:
                return f"{text}{self._words(name)}"
        return self.processes.ended()

    def _words(self, name: str) -> str:
        """What a node's daemons said last: why they do nothing, perhaps."""
        said = [f"{d.name}: {d.last_words()}" for d in self.processes.running(name)]
        return f"; {', '.join(said)}" if said else ""

    def _expectations(self, state: NetworkState) -> Mapping[str, Expectation]:
        network = self._world.network
        if state != self._state:
            tables = Forwarder(*as_seen(network, state)).tables
        else:
            tables = self._forwarder.tables
        beyond = beyond_horizon(network, state)
        return {
            name: Expectation(network, name, table, beyond.get(name, ()), self._multipath)
            for name, table in tables.items()
            if network.nodes[name].forwards
            and name in self._world.namespaces
            and name not in state.mute
        }


def _says_more(before: NetworkState, now: NetworkState) -> bool:
    """Whether what happened is more than daemons see by themselves."""
    return (before.costs, before.withdrawn) != (now.costs, now.withdrawn)
