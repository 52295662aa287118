"""The supervisor: the one process of a lab, init of its PID namespace.

It builds the network, holds every namespace by one descriptor, runs the built-in services, and
answers requests on the lab's socket. When it dies, all of the lab goes with it.
"""

from __future__ import annotations

import gc
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from anycastlab.errors import NotReadyError
from anycastlab.kernel import namespace
from anycastlab.kernel.syscalls import set_process_name
from anycastlab.lab import names, planes
from anycastlab.lab.faults import Faults, find_node
from anycastlab.lab.joining import Members
from anycastlab.lab.place import Loop
from anycastlab.lab.planes.base import READY_WITHIN
from anycastlab.lab.processes import Processes
from anycastlab.lab.record import LabDirectory
from anycastlab.lab.server import Server
from anycastlab.lab.services import Services
from anycastlab.lab.timers import Timers
from anycastlab.lab.world import Progress, World
from anycastlab.routing.state import NetworkState
from anycastlab.topology.network import Network

_IDLE = 0.1
"""Seconds without a request after which nobody waits for us."""


class Supervisor:
    """A running lab, seen from inside."""

    def __init__(self, network: Network, rundir: Path, publish_as: int | None) -> None:
        """*rundir* is the lab's own directory; /run/netns names point to process *publish_as*."""
        self._network = network
        self._pid = publish_as
        self._selector = selectors.DefaultSelector()
        self._world = World(network)
        self._timers = Timers()
        self._idle = self._timers.after(0, self._settle)
        self._known: NetworkState | None = None
        self._plane = planes.make(self._world, rundir, self._timers)
        self._faults = Faults(self._world, self._plane)
        processes = Processes(rundir)
        loop = Loop(network, self._selector, self._timers, processes, self._faults)
        self._services = Services(self._world, loop)
        members = Members(self._faults, self._services)
        self._operations: Mapping[str, Callable[..., Any]] = {
            "status": self._status,
            "state": self._state,
            "troubles": self._troubles,
            "kill": self._kill,
            "revive": self._revive,
            "cut": self._faults.cut,
            "mend": self._faults.mend,
            "set-cost": self._faults.set_cost,
            "withdraw": members.withdraw,
            "announce": members.announce,
            "stop-daemon": self._faults.stop_daemon,
            "start-daemon": self._faults.start_daemon,
            "impair": self._faults.impair,
            "blackhole": self._faults.blackhole,
            "clear": self._faults.clear,
            "stop-service": self._services.stop_service,
            "start-service": self._services.start_service,
            "tell": self._services.tell,
        }

    # -- bring up -----------------------------------------------------------------------------

    def build(self, progress: Progress) -> None:
        """Make everything, and return when every readiness condition holds."""
        gc.disable()  # nothing made here is garbage
        self._plane.prepare()
        self._world.open_workshop()
        self._world.build_namespaces(progress)
        progress("links", 0, len(self._network.links))
        self._world.build_links()
        self._world.configure()
        progress("routes", 0, len(self._network.nodes))
        self._plane.install()
        for name in self._world.namespaces:
            self._publish(name)
        self._services.start_all()
        progress("ready", 0, 1)
        self._wait_ready()
        gc.freeze()
        gc.enable()

    def _wait_ready(self) -> None:
        limit = self._plane.ready_within
        deadline = time.monotonic() + limit
        self._world.wait_ready(deadline)
        missing = self._plane.wait(self._faults.state, deadline)
        if not missing and self._services.missing():
            missing = self._wait_joined(deadline) or self._plane.wait(self._faults.state, deadline)
        if missing:
            raise NotReadyError(f"not converged in {limit:.0f} s: {missing}")

    def _wait_joined(self, deadline: float) -> str:
        """Run the services until none waits for anything; return '' or what one waits for."""
        self._idle.cancel()
        while missing := self._services.missing():
            left = deadline - time.monotonic()
            if left <= 0:
                return missing
            due = self._timers.wait()
            self._serve(self._selector.select(left if due is None else min(left, due)))
            self._timers.run()
        return ""

    def _publish(self, name: str) -> None:
        if self._pid is not None:
            entry = names.netns_name(self._network.name, name)
            names.publish(entry, self._pid, self._world.namespaces[name])

    # -- serve --------------------------------------------------------------------------------

    def serve(self, listener: socket.socket) -> None:
        """Answer requests and run the services, for ever."""
        set_process_name(f"al:{self._network.name}")
        server = Server(self._selector, self._operations, self._living)
        server.listen(listener)
        while True:
            if self._known is not self._faults.state:
                self._known = self._faults.state
                self._idle.cancel()
                self._idle = self._timers.after(_IDLE, self._settle)
            self._serve(self._selector.select(self._timers.wait()))
            self._timers.run()

    def _settle(self) -> None:
        """Let the control plane settle, piece by piece, while nobody asks for anything."""
        if ready := self._selector.select(0):
            self._serve(ready)
            self._idle = self._timers.after(_IDLE, self._settle)
        elif self._plane.settle():
            self._idle = self._timers.after(0, self._settle)
        else:
            gc.collect()
            gc.freeze()  # what is at hand now is no garbage: no search for some may delay a fault

    def _serve(self, ready: list[tuple[selectors.SelectorKey, int]]) -> None:
        """Call who watches what is ready, unless one called before has closed it (a kill does)."""
        watched = self._selector.get_map()
        for key, events in ready:
            now = watched.get(key.fd)
            if now is not None and now.fileobj is key.fileobj:
                now.data(now.fileobj, events)

    def _living(self, nodes: list[str]) -> dict[str, int]:
        for node in nodes:
            find_node(self._network, node)
        held = self._world.namespaces
        return {node: held[node] for node in nodes if node in held}

    # -- operations ---------------------------------------------------------------------------

    def _status(self) -> dict[str, Any]:
        return {
            "nodes": {
                name: {
                    "role": node.role,
                    "alive": name in self._world.namespaces,
                    "services": self._services.running(name),
                    "daemons": self._plane.daemons(name),
                }
                for name, node in self._network.nodes.items()
            },
            "inodes": [namespace.inode(held) for held in self._world.namespaces.values()],
            "impaired": self._world.impairments.describe(),
            "black_holes": self._world.black_holes.describe(),
            "troubles": self._troubles(),
            **self._state(),
        }

    def _troubles(self) -> list[str]:
        """What has gone wrong in the lab itself, and no fault that was asked for."""
        daemons = [self._plane.daemons(name) for name in self._world.namespaces]
        ended = [how for known in daemons for how in known.values()]
        return [trouble for trouble in (self._world.impairments.trouble(), *ended) if trouble]

    def _state(self) -> dict[str, Any]:
        state = self._faults.state
        return {
            "dead": sorted(state.dead),
            "cut": sorted(state.cut),
            "costs": [[a, b, cost] for (a, b), cost in state.costs.items()],
            "withdrawn": sorted(state.withdrawn),
            "mute": sorted(state.mute),
        }

    def _kill(self, node: str) -> int:
        LabDirectory(self._network.name).tell_death()
        inode = self._faults.kill(node)
        self._services.stop(node)
        if self._pid is not None:
            names.withdraw([names.netns_name(self._network.name, node)], self._pid)
        return inode

    def _revive(self, node: str) -> int:
        changed = self._faults.revive(node)
        self._publish(node)
        self._services.start(node)
        self._world.wait_ready(time.monotonic() + READY_WITHIN)
        return changed


def become_init() -> None:
    """Take the signals of an init process: end on TERM, reap every orphan."""

    def reap(_number: int, _frame: object) -> None:
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass

    signal.signal(signal.SIGCHLD, reap)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(ignored, signal.SIG_IGN)
