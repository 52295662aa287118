"""Load a topology file: read, check, resolve; every mistake of the file in one error."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from os import PathLike, fspath

from anycastlab.topology import source
from anycastlab.topology.addresses import assign
from anycastlab.topology.checks import check_names
from anycastlab.topology.collisions import check_given, check_services
from anycastlab.topology.formal import check_formal
from anycastlab.topology.models import Topology
from anycastlab.topology.network import Network
from anycastlab.topology.on_link import check_on_link
from anycastlab.topology.policy import check_policies
from anycastlab.topology.positions import Positions
from anycastlab.topology.reporter import Reporter
from anycastlab.topology.resolve import resolve
from anycastlab.topology.salvage import checked

Checker = Callable[[Topology, Reporter], None]
"""A check of a higher floor, made in the same pass. What it gets may have stand-ins for ill-typed
entries; the reporter passes over what is said about those."""


@dataclass(frozen=True, slots=True)
class Document:
    """A topology file: as written, as resolved, and where everything in it is written."""

    path: str
    topology: Topology
    network: Network
    positions: Positions


def load(path: str | PathLike[str], *, also: Iterable[Checker] = ()) -> Document:
    """Load the file at *path*; raise TopologyError with every mistake found in it."""
    file = fspath(path)
    return load_text(source.read(file), file, also=also)


def load_text(text: str, file: str, *, also: Iterable[Checker] = ()) -> Document:
    """Load a topology from *text*; *file* is its name in messages. Raises TopologyError."""
    parsed = source.parse(text, file)
    reporter = Reporter(parsed)
    topology = checked(parsed.data, reporter)
    plan = None
    if topology:
        check_names(topology, reporter)
        check_given(topology, reporter)
        check_formal(topology, reporter)
        check_on_link(topology, reporter)
        check_policies(topology, reporter)
        plan = assign(topology, reporter)
        if plan:
            check_services(topology, plan, reporter)
        for check in also:
            check(topology, reporter)
    reporter.finish()
    # Without a topology or a plan there was a mistake, and finish() has raised.
    assert topology and plan
    return Document(file, topology, resolve(topology, plan), parsed.positions)
