"""The lab's own control plane: shortest paths, written as kernel routes, again after each fault."""

from __future__ import annotations

import errno
from functools import cached_property

from anycastlab.lab.multipath import writers
from anycastlab.lab.planes.ahead import TablesAhead
from anycastlab.lab.world import World
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

    def prepare(self) -> None:
        """Begin to compute."""
        _ = self._first

    def install(self) -> None:
        """Write all tables of the network as written."""
        for name, table in self._first.get().items():
            self._world.send(name, self._writers[name].put(table))

    def settle(self) -> None:
        """Keep the shortest paths at hand, so that a fault changes them instead of finding them."""
        _ = self._forwarder

    def reconverge(self, state: NetworkState) -> int:
        """Install what *state* changes; return how many routes that was."""
        changed = 0
        for name, (removed, added) in self._forwarder.update(state).items():
            if name not in self._world.namespaces:
                continue
            writer = self._writers[name]
            self._world.send(name, writer.put(added) + writer.withdraw(removed), tolerate=_GONE)
            changed += len(added) + len(removed)
        return changed

    def stop_node(self, name: str) -> None:
        """Nothing runs in the nodes."""

    def start_node(self, name: str) -> None:
        """Nothing runs in the nodes."""

    def wait(self, state: NetworkState, deadline: float) -> str:
        """The kernel has acknowledged every route."""
        return ""
