"""Load a topology file with everything in it checked: network, routing, components, experiment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anycastlab.topology.load import Document


def load_checked(path: str | Path) -> Document:
    """Load *path*. Raises TopologyError that holds every mistake of the file."""
    from anycastlab.components.check import check as check_components
    from anycastlab.components.membership.check import check as check_membership
    from anycastlab.experiments.impairment_faults import impairable
    from anycastlab.experiments.script import check as check_experiment
    from anycastlab.lab.planes.check import check as check_routing
    from anycastlab.topology.load import load

    checks = (check_routing, check_components, check_membership, check_experiment)
    document = load(path, also=checks)
    return replace(document, network=impairable(document.network, document.topology.experiment))


def load_all(paths: tuple[str, ...]) -> list[Document]:
    """Load several files. Raises TopologyError that holds the mistakes of all of them."""
    from anycastlab.errors import Problem, TopologyError

    documents: list[Document] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            documents.append(load_checked(path))
        except TopologyError as error:
            problems.extend(error.problems)
    if problems:
        raise TopologyError(problems)
    return documents
