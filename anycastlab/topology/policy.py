"""Check what `routing:` says of borders: the routers exist, and are neighbours over links."""

from __future__ import annotations

from collections.abc import Iterable

from anycastlab.topology.models import Topology
from anycastlab.topology.positions import Path
from anycastlab.topology.reporter import Reporter
from anycastlab.topology.wording import nearest_or_all, quoted


def check_policies(topology: Topology, reporter: Reporter) -> None:
    """Report borders that are no routers, and outsiders that are no neighbours of theirs."""
    routing = topology.routing
    entries: tuple[tuple[str, Iterable[tuple[str, str, list[str]]]], ...] = (
        ("aggregate", [(one.at, "towards", one.towards) for one in routing.aggregate]),
        ("filter", [(one.at, "from", one.origin) for one in routing.filter]),
    )
    for key, borders in entries:
        for index, (at, side, neighbours) in enumerate(borders):
            path: Path = ("routing", key, index)
            if _is_router(topology, reporter, (*path, "at"), at):
                for place, name in enumerate(neighbours):
                    where = (*path, side, place)
                    if _is_router(topology, reporter, where, name) and not _linked(
                        topology, at, name
                    ):
                        reporter.problem(where, f"no link joins {at} and {name}")
    if routing.aggregate or routing.filter:
        _check_plane(topology, reporter)


def _check_plane(topology: Topology, reporter: Reporter) -> None:
    key = "aggregate" if topology.routing.aggregate else "filter"
    if topology.routing.daemon != "kernel":
        message = f"{key} needs routing: kernel; {topology.routing.daemon} has policies of its own"
        reporter.problem(("routing", key), message, at_key=True)
    elif topology.routing.detect or topology.routing.spread:
        message = f"{key} excludes detect and spread: borders converge at once"
        reporter.problem(("routing", key), message, at_key=True)


def _is_router(topology: Topology, reporter: Reporter, path: Path, name: str) -> bool:
    node = topology.nodes.get(name)
    if node is None:
        hint = nearest_or_all(name, topology.nodes)
        reporter.problem(path, f"unknown node {quoted(name)}{hint}")
    elif node.role != "router":
        reporter.problem(path, f"{name} is a {node.role}: borders are between routers")
    return node is not None and node.role == "router"


def _linked(topology: Topology, a: str, b: str) -> bool:
    return any({*link.endpoints} == {a, b} for link in topology.links)
