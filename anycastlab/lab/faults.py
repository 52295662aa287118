"""What can happen to a running lab: nodes die, links are cut or go bad, members withdraw."""

from __future__ import annotations

import signal
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from anycastlab.errors import UsageError, did_you_mean
from anycastlab.lab.blackhole import link_exits, node_exits
from anycastlab.lab.ways import WAYS_OF_LINK, WAYS_OF_NODE, Way
from anycastlab.routing.state import NetworkState, as_begun
from anycastlab.topology.announcing import Membership, by_agent
from anycastlab.topology.network import Interface, Lan, Link, Network
from anycastlab.topology.reserved import subnet_router, unleavable

if TYPE_CHECKING:
    from anycastlab.lab.planes import ControlPlane
    from anycastlab.lab.world import World


STOPPING = ("TERM", "KILL")
"""The signals that stop a daemon."""


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


def without_daemon(network: Network, node: str) -> str:
    """Say why a node runs no routing daemon; '' when it runs one."""
    if network.routing.daemon == "kernel":
        return f"{node!r} runs no routing daemon: routing is by the lab itself (kernel)"
    if node not in network.speakers():
        return f"{node!r} runs no routing daemon: routers, servers and members do"
    return ""


class Faults:
    """Carries faults out in the kernel, then has the control plane react."""

    def __init__(self, world: World, plane: ControlPlane) -> None:
        self._world = world
        self._network = world.network
        self._plane = plane
        self.state = as_begun(world.network)
        self.by_agent = by_agent(world.network)
        self._vouchers: dict[Membership, set[str]] = {}
        self._kept = frozenset[tuple[str, str]]()
        """Who was withdrawn by hand: no component announces them again."""

    def _enter(self, state: NetworkState) -> int:
        for group, name in sorted(state.withdrawn ^ self.state.withdrawn):
            self._world.hold(name, group, (group, name) not in state.withdrawn)
        self.state = state
        return self._plane.reconverge(state)

    def kill(self, name: str) -> int:
        """Destroy a node's namespace with all that is in it; return the inode number it had."""
        if find_node(self._network, name) in self.state.dead:
            raise UsageError(f"node {name!r} is dead already")
        self._world.silence(name)
        self._plane.stop_daemons(name, signal.SIGKILL)
        self._enter(replace(self.state, dead=self.state.dead | {name}))
        return self._world.destroy(name)

    def revive(self, name: str) -> int:
        """Make a dead node again; return how many routes changed."""
        if find_node(self._network, name) not in self.state.dead:
            raise UsageError(f"node {name!r} is alive")
        self._world.revive(name, self.state.cut)
        for vouchers in self._vouchers.values():
            vouchers.discard(name)  # it has heard nobody yet
        own = frozenset(pair for pair in self.by_agent if pair[1] == name)
        withdrawn = frozenset(pair for pair in self.state.withdrawn if pair[1] != name) | own
        self._kept = frozenset(pair for pair in self._kept if pair[1] != name)
        dead, mute = self.state.dead - {name}, self.state.mute - {name}
        changed = self._enter(replace(self.state, dead=dead, withdrawn=withdrawn, mute=mute))
        self._plane.start_daemons(name)
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

    def withdraw(self, node: str, group: str | None, by_hand: bool = True) -> int:
        """Let no route lead to a member any more, of one group or of all; return routes changed.

        The member keeps its addresses, but for those of a LAN's subnet, and its services run on.
        Who is withdrawn by hand stays so until it is announced by hand.
        """
        memberships = self.memberships(node, group) - self.by_agent
        self._want_leavable(node, memberships)
        if memberships <= (self._kept if by_hand else self.state.withdrawn):
            raise UsageError(f"{node!r} has withdrawn already")
        if by_hand:
            self._kept |= memberships
        return self._enter(replace(self.state, withdrawn=self.state.withdrawn | memberships))

    def _want_leavable(self, node: str, memberships: frozenset[Membership]) -> None:
        subnets = {lan.name: lan.ipv6 for lan in self._network.lans}
        for name, _ in sorted(memberships):
            for address, lan in self._network.groups[name].on_link.items():
                if address == subnet_router(subnets[lan]):
                    raise UsageError(f"{node!r} in group {name!r}: {unleavable(lan)}")

    def announce(self, node: str, group: str | None) -> int:
        """Let routes lead to a member again; return the routes changed."""
        memberships = self.memberships(node, group) - self.by_agent
        if not memberships & self.state.withdrawn:
            raise UsageError(f"{node!r} has not withdrawn")
        self._kept -= memberships
        return self._enter(replace(self.state, withdrawn=self.state.withdrawn - memberships))

    def kept_withdrawn(self, node: str, group: str) -> bool:
        """Whether a member was withdrawn by hand."""
        return (group, node) in self._kept

    def announcers(self, group: str) -> tuple[str, ...]:
        """The members of a group that are announced: none that is dead, or whose daemon is stopped.

        Whether anybody is connected to them is not asked.
        """
        gone, withdrawn = self.state.dead | self.state.mute, self.state.withdrawn
        members = self._network.groups[group].instances
        return tuple(one for one in members if one not in gone and (group, one) not in withdrawn)

    def stop_daemon(self, node: str, how: str) -> int:
        """End a node's routing daemon by TERM or KILL; return the routes changed by the lab.

        With TERM it takes leave of its neighbours and takes its routes along, with KILL it leaves
        both to find out.
        """
        self._want_daemon(node)
        if how not in STOPPING:
            raise UsageError(f"a daemon is stopped by {' or '.join(STOPPING)}, not {how!r}")
        if node in self.state.mute:
            raise UsageError(f"the routing daemon of {node!r} is stopped already")
        if ended := next(filter(None, self._plane.daemons(node).values()), ""):
            raise UsageError(f"there is nothing to stop: {ended}")
        self._plane.stop_daemons(node, signal.Signals[f"SIG{how}"])
        return self._enter(replace(self.state, mute=self.state.mute | {node}))

    def start_daemon(self, node: str) -> int:
        """Start a node's daemon that was stopped or has ended; return the routes changed."""
        self._want_daemon(node)
        if node not in self.state.mute and not any(self._plane.daemons(node).values()):
            raise UsageError(f"the routing daemon of {node!r} runs")
        self._plane.start_daemons(node)
        return self._enter(replace(self.state, mute=self.state.mute - {node}))

    def _want_daemon(self, node: str) -> None:
        if find_node(self._network, node) in self.state.dead:
            raise UsageError(f"node {node!r} is dead")
        if problem := without_daemon(self._network, node):
            raise UsageError(problem)

    def vouch(self, membership: Membership, router: str) -> bool:
        """Let routes lead to a member that a router's agent has heard; False if they do already."""
        self._vouchers.setdefault(membership, set()).add(router)
        if membership not in self.state.withdrawn:
            return False
        self._enter(replace(self.state, withdrawn=self.state.withdrawn - {membership}))
        return True

    def miss(self, membership: Membership, router: str) -> bool:
        """Let no route lead to a member that no living router's agent hears any more."""
        vouchers = self._vouchers.setdefault(membership, set())
        vouchers.discard(router)
        if vouchers - self.state.dead or membership in self.state.withdrawn:
            return False
        self._enter(replace(self.state, withdrawn=self.state.withdrawn | {membership}))
        return True

    def memberships(self, node: str, group: str | None) -> frozenset[Membership]:
        """The memberships of a node in one group or in all. Raises UsageError for no member."""
        find_node(self._network, node)
        groups = self._network.groups
        if group is not None and group not in groups:
            raise UsageError(f"no group {group!r} in this lab{did_you_mean(group, groups)}")
        wanted = groups if group is None else (group,)
        found = frozenset((name, node) for name in wanted if node in groups[name].instances)
        if not found:
            raise UsageError(f"{node!r} is no member of {group or 'any group'}")
        return found

    # -- faults the control plane is not told of ----------------------------------------------

    def impair(self, a: str, b: str, changes: dict[str, Any]) -> None:
        """Have a link do what is written of it, but for *changes* (fields of Impairment)."""
        link = find_link(self._network, a, b)
        if not isinstance(link, Link):
            raise UsageError("only a point-to-point link can be impaired")
        impairments = self._world.impairments
        how = replace(impairments.as_written(link), **changes)
        if not changes and impairments.now.get(link.name, how) == how:
            raise UsageError(f"the link between {a!r} and {b!r} is as written")
        impairments.impair(link, how, self._world.both_alive(link))

    def blackhole(self, a: str, b: str | None, way: Way) -> None:
        """Let packets vanish on a link or a LAN port (*a*, *b*), or around the node *a*."""
        name = self._place(a, b)
        if way not in (WAYS_OF_NODE if b is None else WAYS_OF_LINK):
            raise UsageError(f"a {'node' if b is None else 'link'} has no way {way!r}")
        if b is None:
            exits = node_exits(self._network, a, way)
        else:
            exits = link_exits(find_link(self._network, a, b), a, way)
        self._world.black_holes.dig(name, (a,) if b is None else (a, b), way, exits)

    def clear(self, a: str, b: str | None) -> None:
        """Let packets through again where they vanished."""
        self._world.black_holes.fill(self._place(a, b))

    def _place(self, a: str, b: str | None) -> str:
        if b is None:
            return find_node(self._network, a)
        return _name(find_link(self._network, a, b))


def _name(link: Link | tuple[Lan, Interface]) -> str:
    return link.name if isinstance(link, Link) else f"{link[0].name}:{link[1].node}"
