"""Checks how the members of a topology file announce themselves, and routers' access lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from anycastlab.components.membership.names import ROUTER
from anycastlab.topology.announcing import BY_AGENT, BY_DAEMON
from anycastlab.topology.routing_models import PROTOCOLS
from anycastlab.topology.wording import nearest_or_all, quoted

if TYPE_CHECKING:
    from anycastlab.topology.models import GroupSpec, Topology
    from anycastlab.topology.positions import Path
    from anycastlab.topology.reporter import Reporter


def check(topology: Topology, reporter: Reporter) -> None:
    """Report every member that cannot announce itself as it says, and unknown names in lists."""
    for name, group in topology.anycast.items():
        for inner, node, member in group.member_items():
            path: Path = ("anycast", name, *inner, "announce")
            if member.announce in BY_DAEMON:
                if problem := _without_daemon(topology, member.announce):
                    reporter.problem(path, problem)
            elif member.announce in BY_AGENT:
                for problem in _without_agent(topology, name, group, node, member.announce):
                    reporter.problem(path, problem)
                if member.check is not None:
                    tied: Path = ("anycast", name, *inner, "check")
                    reporter.problem(tied, f"a member that joins by {member.announce} has no check")
    for node, spec in topology.nodes.items():
        for place, entry in enumerate(spec.run):
            if entry.name == ROUTER:
                at: Path = ("nodes", node, "run", place, ROUTER, "permit")
                _check_list(topology, entry.options.get("permit"), at, reporter)


def _without_daemon(topology: Topology, announce: str) -> str:
    routing = topology.routing
    if routing.daemon not in PROTOCOLS:
        return (
            f"announce: {announce} takes a routing daemon: write "
            f"'routing: {{daemon: bird, protocol: {announce}}}'"
        )
    spoken = routing.protocol or PROTOCOLS[routing.daemon][0]
    return "" if spoken == announce else f"{routing.daemon} speaks {spoken} here, not {announce}"


def _without_agent(
    topology: Topology, name: str, group: GroupSpec, node: str, announce: str
) -> Iterator[str]:
    family = BY_AGENT[announce]
    written = [(one.address.version, one.mode) for one in group.addresses]
    if written != [(family, "shared-unicast")]:
        yield (
            f"{announce} announces one IPv{family} address: give group {name} just such a one, "
            "under 'addresses'"
        )
    if topology.routing.daemon == "frr":
        yield f"{announce} hands its routes to the lab itself (kernel) or to bird, not to frr"
    nodes = topology.nodes
    if node in nodes and not any(
        other in nodes and nodes[other].role == "router" for other in _beside(topology, node)
    ):
        yield f"no router is beside {node}, which could hear it"


def _beside(topology: Topology, node: str) -> Iterator[str]:
    ends = [link.endpoints for link in topology.links]
    for names in (*ends, *(lan.nodes for lan in topology.lans.values())):
        if node in names:
            yield from (name for name in names if name != node)


def _check_list(topology: Topology, written: Any, path: Path, reporter: Reporter) -> None:
    """Report unknown names; what is no list of pairs is reported with the other options."""
    for index, pair in enumerate(written if isinstance(written, list) else ()):
        if not isinstance(pair, dict):
            continue
        for key, known in (("source", topology.nodes), ("group", topology.anycast)):
            name = pair.get(key)
            if isinstance(name, str) and name not in known:
                kind = "node" if key == "source" else "group"
                hint = nearest_or_all(name, known)
                reporter.problem((*path, index, key), f"no {kind} {quoted(name)}{hint}")
