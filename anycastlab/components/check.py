"""Checks the `run:` entries of a topology file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from anycastlab.components.registry import find, names
from anycastlab.errors import did_you_mean

if TYPE_CHECKING:
    from anycastlab.topology.models import Topology
    from anycastlab.topology.reporter import Reporter


def check(topology: Topology, reporter: Reporter) -> None:
    """Report every unknown component, and every wrong option of a known one."""
    groups = (name for key, group in topology.anycast.items() for name, _ in group.places(key))
    known = {*groups, *topology.nodes, *topology.lans}
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
            for option, name in checked.mentions():
                if name not in known:
                    hint = did_you_mean(name, known)
                    message = f"{entry.name}: no group, node or LAN {name!r}{hint}"
                    reporter.problem((*path, entry.name, option), message)
