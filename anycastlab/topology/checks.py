"""Check that the names in a topology lead somewhere, and that they are written once."""

from __future__ import annotations

from collections.abc import Iterable

from anycastlab.topology.models import GroupSpec, Topology
from anycastlab.topology.names import Kind, name_problem
from anycastlab.topology.positions import Path
from anycastlab.topology.reporter import Reporter
from anycastlab.topology.wording import nearest_or_all, quoted


def check_names(topology: Topology, reporter: Reporter) -> None:
    """Report every name that is unknown, doubled, or of the wrong kind."""
    _check_own_names(topology, reporter)
    _check_counted(topology, reporter)
    _check_links(topology, reporter)
    for name, lan in topology.lans.items():
        path: Path = ("lans", name, "nodes")
        for index, node in enumerate(lan.nodes):
            _check_node(topology, reporter, (*path, index), node)
        _check_doubles(reporter, path, lan.nodes, f"on LAN {name}")
    for name, group in topology.anycast.items():
        _check_members(topology, reporter, name, group)


def _check_own_names(topology: Topology, reporter: Reporter) -> None:
    if problem := name_problem("lab", topology.name):
        reporter.problem(("name",), problem)
    kinds: tuple[tuple[Kind, str, Iterable[str]], ...] = (
        ("node", "nodes", topology.nodes),
        ("LAN", "lans", topology.lans),
        ("group", "anycast", topology.anycast),
    )
    for kind, section, names in kinds:
        for name in names:
            if problem := name_problem(kind, name):
                reporter.problem((section, name), problem, at_key=True)


def _check_counted(topology: Topology, reporter: Reporter) -> None:
    """Report groups that stand for many, one of which has another group's name."""
    owners: dict[str, str] = {}
    for key, spec in topology.anycast.items():
        for name, _ in spec.places(key):
            if owners.setdefault(name, key) != key:
                message = f"a group {quoted(name)} is in group {owners[name]} and in {key}"
                reporter.problem(("anycast", key), message, at_key=True)
                break


def _check_node(topology: Topology, reporter: Reporter, path: Path, name: str) -> bool:
    """Report the *name* at *path* unless it is a node's; return whether it is."""
    if name in topology.nodes:
        return True
    hint = nearest_or_all(name, topology.nodes)
    if name in topology.lans:
        hint = f": it is a LAN; write its nodes in its own list, under 'lans: {name}: nodes:'"
    reporter.problem(path, f"unknown node {quoted(name)}{hint}")
    return False


def _check_links(topology: Topology, reporter: Reporter) -> None:
    first: dict[frozenset[str], int] = {}
    for index, link in enumerate(topology.links):
        path: Path = ("links", index)
        known = [
            _check_node(topology, reporter, (*path, "endpoints", end), name)
            for end, name in enumerate(link.endpoints)
        ]
        a, b = link.endpoints
        if not all(known):
            continue
        if a == b:
            reporter.problem(path, f"a link from {a} to itself")
        elif (earlier := first.setdefault(frozenset((a, b)), index)) != index:
            line = reporter.mark(("links", earlier)).line
            reporter.problem(path, f"duplicate link: {a} and {b} are linked on line {line} already")


def _check_doubles(reporter: Reporter, path: Path, names: Iterable[str], where: str) -> None:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            reporter.problem((*path, index), f"{quoted(name)} is {where} twice")
        seen.add(name)


def _check_members(topology: Topology, reporter: Reporter, name: str, group: GroupSpec) -> None:
    for suffix, member, _ in group.member_items():
        path: Path = ("anycast", name, *suffix)
        at_key = isinstance(group.members, dict)
        if (node := topology.nodes.get(member)) is None:
            hint = nearest_or_all(member, topology.nodes)
            message = f"member {quoted(member)} of group {name} is not a node{hint}"
            reporter.problem(path, message, at_key=at_key)
        elif node.role == "client":
            message = f"{member} is a client: the members of a group are servers or routers"
            reporter.problem(path, message, at_key=at_key)
    if isinstance(group.members, list):
        path = ("anycast", name, "members")
        _check_doubles(reporter, path, group.members, f"in group {name}")
