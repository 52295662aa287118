"""What can happen to a running lab: nodes die and return, links are cut, costs change."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from anycastlab.errors import UsageError, did_you_mean
from anycastlab.routing.state import NetworkState
from anycastlab.topology.network import Interface, Lan, Link, Network

if TYPE_CHECKING:
    from anycastlab.lab.planes import ControlPlane
    from anycastlab.lab.world import World


def find_node(network: Network, name: str) -> str:
    """Return *name* when it is a node. Raises UsageError with the nearest name."""
    if name not in network.nodes:
        raise UsageError(f"no node {name!r} in this lab{did_you_mean(name, network.nodes)}")
    return name


def find_link(network: Network, a: str, b: str) -> Link | tuple[Lan, Interface]:
    """Return the link between two nodes, or a node's port on a LAN, whichever end comes first."""
    for link in network.links:
        if {link.a.node, link.b.node} == {a, b} and a != b:
            return link
    for lan in network.lans:
        for port in lan.ports:
            if {lan.name, port.node} == {a, b}:
                return lan, port
    lans = [lan.name for lan in network.lans]
    for name in (a, b):
        if name not in network.nodes and name not in lans:
            hint = did_you_mean(name, [*network.nodes, *lans])
            raise UsageError(f"no node {name!r} in this lab{hint}")
    raise UsageError(f"no link between {a!r} and {b!r}")


class Faults:
    """Carries faults out in the kernel, then has the control plane react."""

    def __init__(self, world: World, plane: ControlPlane) -> None:
        self._world = world
        self._network = world.network
        self._plane = plane
        self.state = NetworkState()

    def _enter(self, state: NetworkState) -> int:
        self.state = state
        return self._plane.reconverge(state)

    def kill(self, name: str) -> int:
        """Destroy a node's namespace with all that is in it; return the inode number it had."""
        if find_node(self._network, name) in self.state.dead:
            raise UsageError(f"node {name!r} is dead already")
        self._world.silence(name)
        self._plane.stop_node(name)
        self._enter(replace(self.state, dead=self.state.dead | {name}))
        return self._world.destroy(name)

    def revive(self, name: str) -> int:
        """Make a dead node again; return how many routes changed."""
        if find_node(self._network, name) not in self.state.dead:
            raise UsageError(f"node {name!r} is alive")
        self._world.revive(name, self.state.cut)
        changed = self._enter(replace(self.state, dead=self.state.dead - {name}))
        self._plane.start_node(name)
        return changed

    def cut(self, a: str, b: str) -> int:
        """Take the carrier from a link, or unplug a node from a LAN; return the routes changed."""
        link = find_link(self._network, a, b)
        name = _name(link)
        if name in self.state.cut:
            raise UsageError(f"the link between {a!r} and {b!r} is cut already")
        if isinstance(link, Link):
            self._world.cut_link(link)
        else:
            self._world.cut_port(*link)
        return self._enter(replace(self.state, cut=self.state.cut | {name}))

    def mend(self, a: str, b: str) -> int:
        """Give a cut link its carrier back; return the routes changed."""
        link = find_link(self._network, a, b)
        name = _name(link)
        if name not in self.state.cut:
            raise UsageError(f"the link between {a!r} and {b!r} is not cut")
        if isinstance(link, Link):
            self._world.mend_link(link)
        else:
            self._world.mend_port(*link)
        return self._enter(replace(self.state, cut=self.state.cut - {name}))

    def set_cost(self, a: str, b: str, there: int, back: int) -> int:
        """Change a link's cost from *a* to *b* and from *b* to *a*; return the routes changed."""
        link = find_link(self._network, a, b)
        if not isinstance(link, Link):
            raise UsageError("only a point-to-point link's cost can be changed")
        if there < 1 or back < 1:
            raise UsageError("a cost is a whole number of at least 1")
        costs = MappingProxyType({**self.state.costs, (a, b): there, (b, a): back})
        return self._enter(replace(self.state, costs=costs))


def _name(link: Link | tuple[Lan, Interface]) -> str:
    return link.name if isinstance(link, Link) else f"{link[0].name}:{link[1].node}"
