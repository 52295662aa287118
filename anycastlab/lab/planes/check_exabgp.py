"""Checks the members of a topology file that `announce: exabgp`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anycastlab.topology.network import EXABGP
from anycastlab.topology.positions import Path
from anycastlab.topology.routing_models import PROTOCOLS
from anycastlab.topology.wording import listed

if TYPE_CHECKING:
    from anycastlab.topology.health import CheckSpec
    from anycastlab.topology.models import Topology
    from anycastlab.topology.reporter import Reporter

_SERVICES = ["tcp", "exec"]
_NOT_ITS_OWN = {"hold_down": "hold-down", "fail_open": "fail-open"}


def check_exabgp(topology: Topology, reporter: Reporter) -> None:
    """Report every member that ExaBGP cannot announce here, or not so."""
    otherwise: dict[str, str] = {}
    members = [
        (("anycast", name, *suffix), name, node, spec)
        for name, group in topology.anycast.items()
        for suffix, node, spec in group.member_items()
    ]
    for _, group, node, spec in members:
        if spec.announce != EXABGP:
            otherwise.setdefault(node, group)
    for path, _, node, spec in members:
        if spec.announce != EXABGP:
            continue
        if problem := _problem(topology, node, otherwise):
            reporter.problem((*path, "announce"), problem)
        if spec.check is not None:
            _check(spec.check, (*path, "check"), reporter)


def _problem(topology: Topology, node: str, otherwise: dict[str, str]) -> str:
    """Say why ExaBGP cannot announce this member; '' when it can."""
    routing = topology.routing
    spoken = routing.protocol or PROTOCOLS.get(routing.daemon, ("",))[0]
    if (routing.daemon, spoken) != ("bird", "bgp"):
        return "exabgp speaks BGP with BIRD: it needs 'routing: {daemon: bird, protocol: bgp}'"
    if node in topology.nodes and topology.nodes[node].role != "server":
        return f"{node} is no server: ExaBGP announces, and learns no routes to forward by"
    if node in otherwise:
        group = otherwise[node]
        return f"{node} runs ExaBGP in the place of BIRD: announce it so in group {group} too"
    return ""


def _check(check: CheckSpec, path: Path, reporter: Reporter) -> None:
    if check.service not in _SERVICES:
        known = listed(_SERVICES, "and")
        message = f"with exabgp the checks are {known}, not {check.service}"
        reporter.problem((*path, "service"), message)
    for field, key in _NOT_ITS_OWN.items():
        if field in check.model_fields_set:
            reporter.problem((*path, key), f"ExaBGP's health check has no {key}", at_key=True)
    if any("\n" in word for word in check.command):
        reporter.problem((*path, "command"), "ExaBGP takes a command of one line")
