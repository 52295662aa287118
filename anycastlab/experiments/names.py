"""The names a topology has, for checking those an experiment uses before any lab is up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from anycastlab.components.registry import names as components
from anycastlab.errors import did_you_mean
from anycastlab.topology.network import Role
from anycastlab.topology.on_link import lans_of
from anycastlab.topology.reserved import NamedAddress, unleavable

if TYPE_CHECKING:
    from anycastlab.topology.models import Topology

Path = tuple[str | int, ...]
Complain = Callable[[Path, str], None]
"""Called with a place inside a step's argument and what is wrong there."""


@dataclass(frozen=True, slots=True)
class Names:
    """Nodes with their roles, groups with their members, and the pairs of names a link joins.

    ``links`` holds each pair in both orders; a node's port on a LAN counts as a link between them.
    ``routing`` is the daemon that makes the routes, or ``kernel``.
    """

    nodes: Mapping[str, Role]
    groups: Mapping[str, tuple[str, ...]]
    links: frozenset[tuple[str, str]]
    lans: frozenset[str] = frozenset()
    routing: str = "kernel"
    clashing: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    """For each group the groups of other registries that have one of its addresses too."""
    on_link: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    """For each group the LANs whose subnet has one of its addresses."""
    subnet_routers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """The groups of a subnet-router address, which no member can give up; each with its LAN."""

    @classmethod
    def of(cls, topology: Topology) -> Names:
        """Collect the names of a topology as written; what is wrong in it is reported elsewhere."""
        ends = [tuple(link.endpoints) for link in topology.links]
        ends += [(lan, node) for lan, spec in topology.lans.items() for node in spec.nodes]
        return cls(
            {name: node.role for name, node in topology.nodes.items()},
            {
                name: tuple(member for _, member, _ in group.member_items())
                for key, group in topology.anycast.items()
                for name, _ in group.places(key)
            },
            frozenset(pair for a, b in ends for pair in ((a, b), (b, a))),
            frozenset(topology.lans),
            topology.routing.daemon,
            _clashing(topology),
            {
                name: frozenset(lans_of(topology, group))
                for key, group in topology.anycast.items()
                for name, _ in group.places(key)
            },
            {
                name: service.address.lan
                for name, group in topology.anycast.items()
                for service in group.addresses
                if isinstance(service.address, NamedAddress)
                and service.address.kind == "subnet-router"
            },
        )

    def want_node(self, name: str, path: Path, complain: Complain) -> bool:
        """Complain unless *name* is a node; return whether it is."""
        if name not in self.nodes:
            complain(path, f"unknown node {name!r}{did_you_mean(name, self.nodes)}")
        return name in self.nodes

    def want_component(self, name: str, path: Path, complain: Complain) -> None:
        """Complain unless *name* is a component that this installation has."""
        if name not in components():
            complain(path, f"no component {name!r}{did_you_mean(name, components())}")

    def want_daemon(self, name: str, path: Path, complain: Complain) -> None:
        """Complain unless *name* is a node that runs a routing daemon."""
        if self.routing == "kernel":
            complain((), "no node runs a routing daemon: routing is by the lab itself (kernel)")
        elif self.want_node(name, path, complain):
            member = any(name in members for members in self.groups.values())
            if self.nodes[name] == "client" and not member:
                complain(path, f"{name!r} runs no routing daemon: it is a client, no member")

    def want_client(self, name: str, path: Path, complain: Complain) -> None:
        """Complain unless *name* is a client."""
        clients = [node for node, role in self.nodes.items() if role == "client"]
        if name in self.nodes and name not in clients:
            complain(path, f"{name!r} is a {self.nodes[name]}, not a client")
        elif name not in clients:
            complain(path, f"unknown client {name!r}{did_you_mean(name, clients)}")

    def want_group(self, name: str, path: Path, complain: Complain) -> bool:
        """Complain unless *name* is an anycast group; return whether it is."""
        if name not in self.groups:
            complain(path, f"unknown group {name!r}{did_you_mean(name, self.groups)}")
        return name in self.groups

    def want_member(self, name: str, groups: Iterable[str], path: Path, complain: Complain) -> None:
        """Complain unless *name* is a member of one of the *groups*."""
        groups = [group for group in groups if group in self.groups]
        groups += [other for group in groups for other in self.clashing.get(group, ())]
        members = [member for group in groups for member in self.groups[group]]
        if members and name not in members:
            hint = did_you_mean(name, members) or f"; members: {', '.join(members)}"
            complain(path, f"{name!r} is no member of {' or '.join(groups)}{hint}")

    def want_leavable(
        self, name: str, groups: Iterable[str], path: Path, complain: Complain
    ) -> None:
        """Complain if a member of one of the *groups* cannot withdraw from it."""
        for group in groups:
            if group in self.subnet_routers and name in self.groups[group]:
                complain(path, f"group {group}: {unleavable(self.subnet_routers[group])}")

    def want_on_link(self, node: str, group: str, path: Path, complain: Complain) -> None:
        """Complain unless a node is on the LAN of one of a group's addresses; both must exist."""
        lans = self.on_link.get(group, frozenset())
        if not any((lan, node) in self.links for lan in lans):
            known = f"; it has on {', '.join(sorted(lans))}" if lans else ""
            complain(path, f"{group!r} has no address on a LAN of {node!r}{known}")

    def want_link(self, a: str, b: str, complain: Complain, path: Path = ()) -> None:
        """Complain unless *a* and *b* (a node, or a node and its LAN) are joined by a link."""
        ends = {*self.nodes, *self.lans}
        unknown = [end for end in (a, b) if end not in ends]
        for place, end in enumerate((a, b)):
            if end in unknown:
                complain((*path, place), f"unknown node {end!r}{did_you_mean(end, ends)}")
        if not unknown and (a, b) not in self.links:
            joined = ", ".join(sorted(other for end, other in self.links if end == a))
            complain(path, f"no link joins {a!r} and {b!r}; {a!r} is joined to {joined or 'none'}")


def _clashing(topology: Topology) -> dict[str, frozenset[str]]:
    owners: dict[object, list[str]] = {}
    for key, group in topology.anycast.items():
        for name, place in group.places(key):
            for address in group.given(place):
                owners.setdefault(address, []).append(name)
    clashing: dict[str, set[str]] = {}
    for names in owners.values():
        for name in names if len(names) > 1 else ():
            clashing.setdefault(name, set()).update(names)
    return {name: frozenset(others - {name}) for name, others in clashing.items()}
