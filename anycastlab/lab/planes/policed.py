"""The lab's own control plane where borders aggregate or filter: whole tables, then differences."""

from __future__ import annotations

from anycastlab.lab.planes.kernel import KernelPlane
from anycastlab.lab.world import World
from anycastlab.routing.changes import changed
from anycastlab.routing.policed import policed
from anycastlab.routing.state import INTACT, NetworkState
from anycastlab.routing.table import Table


class PolicedPlane(KernelPlane):
    """Computes all tables after each fault, and writes what differs."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._tables: dict[str, Table] = {}

    def prepare(self) -> None:
        """Nothing is computed ahead."""

    def install(self) -> None:
        """Write all tables of the network as it comes up."""
        self.reconverge(INTACT)

    def settle(self) -> bool:
        """Nothing is rehearsed."""
        return False

    def reconverge(self, state: NetworkState) -> int:
        """Install what *state* changes; return how many routes that was."""
        old, self._tables = self._tables, policed(self._world.network, state)
        return self._write(
            {name: changed(old.get(name, {}), table) for name, table in self._tables.items()}
        )
