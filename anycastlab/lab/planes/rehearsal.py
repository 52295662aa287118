"""What to send when a member of a group dies next, prepared while nobody waits.

A death changes the service routes of the clients the member serves: over all members that is about
every service route of the network once, so what is kept is of the size of the tables. Routers do
the same: see RFC 5714, IP Fast Reroute Framework.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from anycastlab.kernel import netlink
from anycastlab.lab.multipath import RouteWriter
from anycastlab.routing.changes import Change
from anycastlab.routing.state import NetworkState, as_begun
from anycastlab.routing.table import Prefix
from anycastlab.topology.network import Network

_MOST = 1 << 15
"""Bytes a node that may lie prepared; the members written last have to do without."""
_OVERHEAD = 200
"""Bytes of Python's own for each batch."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Batches of nodes in the order to send them, and how many routes they change."""

    batches: list[tuple[str, list[bytes]]]
    routes: int


class Rehearsals:
    """The deaths of all living members, rehearsed one by one in the present state."""

    def __init__(self, network: Network, writers: Mapping[str, RouteWriter]) -> None:
        self._network, self._writers = network, writers
        self.restart(as_begun(network))

    def restart(self, state: NetworkState) -> None:
        """Forget everything: this is the present state now."""
        self.state = state
        self._found: dict[str, Rehearsal] = {}
        self._room = _MOST * len(self._network.nodes)
        self._left: list[str] = []
        if not self._network.routing.multipath.resilient:  # whose writers count their groups
            members = (m for group in self._network.groups.values() for m in group.instances)
            self._left = [m for m in dict.fromkeys(members) if m not in state.dead]

    def next(self) -> NetworkState | None:
        """Return the next state that is worth a rehearsal, the death of one more member."""
        if not self._left or self._room <= 0:
            return None
        return replace(self.state, dead=self.state.dead | {self._left[0]})

    def rehearse(self, *stages: Mapping[str, Change]) -> None:
        """Prepare the changes that lead to the :meth:`next` state, one stage after the other."""
        alike: dict[tuple[Prefix, ...], list[bytes]] = {}
        batches = [
            (name, self._prepared(name, change, alike))
            for changes in stages
            for name, change in changes.items()
        ]
        routes = sum(change.size() for changes in stages for change in changes.values())
        self._found[self._left.pop(0)] = Rehearsal(batches, routes)
        self._room -= sum(_OVERHEAD + len(chunk) for _, chunks in batches for chunk in chunks)

    def _prepared(
        self, name: str, change: Change, alike: dict[tuple[Prefix, ...], list[bytes]]
    ) -> list[bytes]:
        """Make a node's messages; *alike* holds withdrawals, for they are the same everywhere."""
        if change.put:
            return prepared(self._writers[name], change)
        withdrawn = tuple(change.removed)
        if withdrawn not in alike:
            alike[withdrawn] = prepared(self._writers[name], change)
        return alike[withdrawn]

    def find(self, state: NetworkState) -> Rehearsal | None:
        """Return what leads to *state*, if it has been rehearsed."""
        died = state.dead - self.state.dead
        if len(died) != 1 or state != replace(self.state, dead=state.dead):
            return None
        return self._found.get(min(died))


def prepared(writer: RouteWriter, change: Change) -> list[bytes]:
    """Make the messages of a change, ready to be sent; some routes may be gone already."""
    batch = writer.put(change.put) + writer.withdraw(change.removed)
    return netlink.prepare(batch, tolerant=True)
