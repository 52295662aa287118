"""The lab's own control plane: shortest paths, written as kernel routes, again after each fault."""

from __future__ import annotations

import errno
import signal
from collections.abc import Mapping
from functools import cached_property

from anycastlab.lab.multipath import writers
from anycastlab.lab.planes.ahead import TablesAhead
from anycastlab.lab.world import World
from anycastlab.routing.changes import Change
from anycastlab.routing.forwarder import Forwarder
from anycastlab.routing.state import NetworkState

_GONE = (errno.ESRCH, errno.ENODEV, errno.ENOENT)
"""What the kernel says of a route or group it has taken away by itself, with the interface."""


class KernelPlane:
    """Writes every node's forwarding table, and after a fault just what changed."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._writers = writers(world.network)

    @cached_property
    def _forwarder(self) -> Forwarder:
        return Forwarder(self._world.network)

    @cached_property
    def _first(self) -> TablesAhead:
        return TablesAhead(self._world.network)

    @cached_property
    def _urgent(self) -> Forwarder:
        return Forwarder(self._world.network, services_only=True)

    def prepare(self) -> None:
        """Begin to compute."""
        _ = self._first

    def install(self) -> None:
        """Write all tables of the network as written."""
        for name, table in self._first.get().items():
            self._world.send(name, self._writers[name].put(table))

    def settle(self) -> None:
        """Keep the shortest paths at hand, so that a fault changes them instead of finding them."""
        _ = self._forwarder, self._urgent

    def reconverge(self, state: NetworkState) -> int:
        """Install what *state* changes, service addresses first; return how many routes that was.

        Clients wait for those; the ways to loopbacks and links are many more, and can wait.
        """
        everything = self._forwarder  # made of the state before, if it has to be made now
        urgent = self._urgent.update(state)
        written = self._write(urgent)
        rest = everything.update(state)
        nothing = Change([], {})
        left = {name: change.beyond(urgent.get(name, nothing)) for name, change in rest.items()}
        return written + self._write(left)

    def _write(self, changes: Mapping[str, Change]) -> int:
        written = 0
        for name, change in changes.items():
            if name in self._world.namespaces and any(change):
                writer = self._writers[name]
                batch = writer.put(change.put) + writer.withdraw(change.removed)
                self._world.send(name, batch, tolerate=_GONE)
                written += len(change.put) + len(change.removed)
        return written

    def daemons(self, name: str) -> Mapping[str, str]:
        """There are none."""
        return {}

    def stop_daemons(self, name: str, how: signal.Signals) -> None:
        """Nothing runs in the nodes."""

    def start_daemons(self, name: str) -> None:
        """Nothing runs in the nodes."""

    def wait(self, state: NetworkState, deadline: float) -> str:
        """The kernel has acknowledged every route."""
        return ""
