"""Checks the `run:` entries of a topology file."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from pydantic import ValidationError

from anycastlab.components.registry import find, names
from anycastlab.errors import did_you_mean
from anycastlab.topology.on_link import lans_of
from anycastlab.topology.wording import nearest_or_all

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anycastlab.components.base import Mention, Need, Options
    from anycastlab.topology.models import GroupSpec, RunSpec, Topology
    from anycastlab.topology.positions import Path
    from anycastlab.topology.reporter import Reporter

_UNFIT: Mapping[Need, str] = MappingProxyType(
    {
        "ipv6": "has no IPv6 address",
        "on-link": "has no address on a LAN of {node}",
        "member": "has not {node} as a member",
    }
)


def check(topology: Topology, reporter: Reporter) -> None:
    """Report every unknown or idle component, wrong options of a known one, every double claim."""
    groups = {
        name: group for key, group in topology.anycast.items() for name, _ in group.places(key)
    }
    for node, spec in topology.nodes.items():
        claimed: dict[str, tuple[str, Path]] = {}
        for place, entry in enumerate(spec.run):
            path: Path = ("nodes", node, "run", place)
            if (options := _options(entry, path, reporter)) is None:
                continue
            if find(entry.name).forwards and spec.role != "router":
                message = (
                    f"{entry.name} acts on what a router forwards, and {node} is a {spec.role}"
                )
                reporter.problem(path, f"{message}: put it on a router beside it")
            problems = {
                (mention.option, mention.name): problem
                for mention in options.mentions()
                if (problem := _misnamed(topology, node, mention, groups))
            }
            for (option, _), problem in problems.items():
                reporter.problem((*path, entry.name, option), f"{entry.name}: {problem}")
            _check_claims(entry, options, claimed, path, reporter)


def _options(entry: RunSpec, path: Path, reporter: Reporter) -> Options | None:
    """Return the options that a component is given; None, and a report, where they are wrong."""
    if entry.name not in names():
        hint = did_you_mean(entry.name, names()) or f"; known: {', '.join(names())}"
        reporter.problem(path, f"no component {entry.name!r}{hint}")
        return None
    model = find(entry.name).options
    try:
        return model.model_validate(entry.options)
    except ValidationError as error:
        reporter.validation((*path, entry.name), error, model)
        return None


def _misnamed(
    topology: Topology, node: str, mention: Mention, groups: Mapping[str, GroupSpec]
) -> str:
    """Say why a component of a node cannot have what it names; '' if it can."""
    known = _neighbours(topology, node) if mention.kind == "neighbour" else set(groups)
    if mention.kind == "group or node":
        known |= topology.nodes.keys()
    name = mention.name
    if name not in known:
        return f"no {mention.kind} {name!r}{nearest_or_all(name, sorted(known))}"
    needs = mention.needs
    if needs is None or name not in groups or _fits(topology, node, groups[name], needs):
        return ""
    return f"group {name!r} {_UNFIT[needs]}".format(node=node)


def _fits(topology: Topology, node: str, group: GroupSpec, need: Need) -> bool:
    if need == "ipv6":  # one of each family is assigned if none is given
        return not group.addresses or any(one.address.version == 6 for one in group.addresses)
    if need == "on-link":
        lans = [topology.lans[lan] for lan in lans_of(topology, group) if lan in topology.lans]
        return any(node in lan.nodes for lan in lans)
    return any(member == node for _, member, _ in group.member_items())


def _check_claims(
    entry: RunSpec,
    options: Options,
    claimed: dict[str, tuple[str, Path]],
    path: Path,
    reporter: Reporter,
) -> None:
    """Report the first thing that an earlier component of the node has claimed already."""
    claims = options.claims()
    for claim in (entry.name,) if claims is None else claims:
        owner, where = claimed.setdefault(claim, (entry.name, path))
        if where != path:
            line = reporter.mark(where).line
            said = (
                f"{claim} is taken, by {owner}" if claims else "a node runs one, and this one does"
            )
            reporter.problem(path, f"{entry.name}: {said} on line {line} already")
            return


def _neighbours(topology: Topology, node: str) -> set[str]:
    """The nodes at the other ends of a node's links, and the LANs it is on."""
    ends = [set(link.endpoints) for link in topology.links]
    beside = {end for both in ends if node in both for end in both if end != node}
    return beside | {name for name, lan in topology.lans.items() if node in lan.nodes}
