"""The lab's own control plane: shortest paths, written as kernel routes, again after each fault."""

from __future__ import annotations

import errno
import signal
from collections.abc import Mapping
from functools import cached_property

from anycastlab.lab.multipath import writers
from anycastlab.lab.planes.ahead import TablesAhead
from anycastlab.lab.planes.base import READY_WITHIN
from anycastlab.lab.planes.rehearsal import Rehearsals, prepared
from anycastlab.lab.world import World
from anycastlab.routing.changes import Change
from anycastlab.routing.destinations import host
from anycastlab.routing.forwarder import Forwarder
from anycastlab.routing.state import NetworkState, as_begun
from anycastlab.routing.tables import DEFAULTS

GONE = (errno.ESRCH, errno.ENODEV, errno.ENOENT)
"""What the kernel says of a route or group it has taken away by itself, with the interface."""


class KernelPlane:
    """Writes every node's forwarding table, and after a fault just what changed."""

    ready_within = READY_WITHIN

    def __init__(self, world: World) -> None:
        self._world = world
        self._writers = writers(world.network)
        self._rehearsals = Rehearsals(world.network, self._writers)
        groups = world.network.groups.values()
        self._services = {host(one) for group in groups for one in group.addresses}.union(DEFAULTS)

    @cached_property
    def _forwarder(self) -> Forwarder:
        return Forwarder(self._world.network, as_begun(self._world.network))

    @cached_property
    def _first(self) -> TablesAhead:
        return TablesAhead(self._world.network)

    @cached_property
    def _urgent(self) -> Forwarder:
        network = self._world.network
        return Forwarder(network, as_begun(network), services_only=True)

    def prepare(self) -> None:
        """Begin to compute."""
        _ = self._first

    def install(self) -> None:
        """Write all tables of the network as written."""
        for name, table in self._first.get().items():
            self._world.send(name, self._writers[name].put(table))

    def settle(self) -> bool:
        """Keep shortest paths at hand for a fault to change, and rehearse a member's death."""
        everything, urgent = self._forwarder, self._urgent
        death = self._rehearsals.next()
        if death is not None:
            first = urgent.foresee(death)
            self._rehearsals.rehearse(first, self._others(everything.foresee(death)))
        return death is not None

    def reconverge(self, state: NetworkState) -> int:
        """Install what *state* changes, service addresses first; return how many routes that was.

        Clients wait for those; the ways to loopbacks and links are many more, and can wait.
        """
        everything, urgent = self._forwarder, self._urgent  # of the state before
        rehearsed = self._rehearsals.find(state)
        if rehearsed is not None:
            self._world.send_each(rehearsed.batches, tolerate=GONE)
            written = rehearsed.routes
            everything.update(state)
            urgent.update(state)
        else:
            written = self._write(urgent.outward(urgent.update(state)))
            written += self._write(self._others(everything.update(state)))
        self._rehearsals.restart(state)
        return written

    def _others(self, changes: Mapping[str, Change]) -> dict[str, Change]:
        """Return changes but for the routes that are written first."""
        return {
            name: left
            for name, change in changes.items()
            if any(left := change.without(self._services))
        }

    def _write(self, changes: Mapping[str, Change]) -> int:
        batches = ((name, prepared(self._writers[name], one)) for name, one in changes.items())
        self._world.send_each(batches, tolerate=GONE)
        return sum(map(Change.size, changes.values()))

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
