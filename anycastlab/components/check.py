"""Checks the `run:` entries of a topology file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from anycastlab.components.registry import find, names
from anycastlab.errors import did_you_mean
from anycastlab.topology.wording import nearest_or_all

if TYPE_CHECKING:
    from anycastlab.topology.models import Topology
    from anycastlab.topology.reporter import Reporter


def check(topology: Topology, reporter: Reporter) -> None:
    """Report every unknown component, and every wrong option of a known one."""
    groups = {name for key, group in topology.anycast.items() for name, _ in group.places(key)}
    for node, spec in topology.nodes.items():
        for place, entry in enumerate(spec.run):
            path = ("nodes", node, "run", place)
            if entry.name not in names():
                hint = did_you_mean(entry.name, names()) or f"; known: {', '.join(names())}"
                reporter.problem(path, f"no component {entry.name!r}{hint}")
                continue
            options = find(entry.name).options
            try:
                checked = options.model_validate(entry.options)
            except ValidationError as error:
                reporter.validation((*path, entry.name), error, options)
                continue
            for option, name, kind in checked.mentions():
                known = _neighbours(topology, node) if kind == "neighbour" else groups
                known = known | topology.nodes.keys() if kind == "group or node" else known
                if name not in known:
                    message = (
                        f"{entry.name}: no {kind} {name!r}{nearest_or_all(name, sorted(known))}"
                    )
                    reporter.problem((*path, entry.name, option), message)


def _neighbours(topology: Topology, node: str) -> set[str]:
    """The nodes at the other ends of a node's links, and the LANs it is on."""
    ends = [set(link.endpoints) for link in topology.links]
    beside = {end for both in ends if node in both for end in both if end != node}
    return beside | {name for name, lan in topology.lans.items() if node in lan.nodes}
