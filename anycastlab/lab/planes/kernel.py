"""The lab's own control plane: shortest paths, written as kernel routes, again after each fault."""

from __future__ import annotations

import errno
from functools import cached_property

from anycastlab.lab import wiring
from anycastlab.lab.world import World
from anycastlab.routing.forwarder import Forwarder
from anycastlab.routing.state import NetworkState

_GONE = (errno.ESRCH, errno.ENODEV)
"""What the kernel says of a route it has taken away by itself, with the interface."""


class KernelPlane:
    """Writes every node's forwarding table, and after a fault just what changed."""

    def __init__(self, world: World) -> None:
        self._world = world

    @cached_property
    def _forwarder(self) -> Forwarder:
        return Forwarder(self._world.network)

    def install(self) -> None:
        """Write all tables of the network as written."""
        nodes = self._world.network.nodes
        for name, table in self._forwarder.tables.items():
            self._world.send(name, wiring.table_messages(nodes[name], table))

    def reconverge(self, state: NetworkState) -> int:
        """Install what *state* changes; return how many routes that was."""
        nodes, changed = self._world.network.nodes, 0
        for name, (removed, added) in self._forwarder.update(state).items():
            if name not in self._world.namespaces:
                continue
            batch = wiring.route_messages(nodes[name], added.items())
            batch += wiring.withdrawal_messages(removed)
            self._world.send(name, batch, tolerate=_GONE)
            changed += len(batch)
        return changed

    def stop_node(self, name: str) -> None:
        """Nothing runs in the nodes."""

    def start_node(self, name: str) -> None:
        """Nothing runs in the nodes."""

    def missing(self, state: NetworkState) -> str:
        """The kernel has acknowledged every route."""
        return ""
