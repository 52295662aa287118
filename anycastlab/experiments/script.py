"""From the raw ``experiment:`` of a file to typed steps, each with its text and its line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from anycastlab.errors import did_you_mean
from anycastlab.experiments.catchment import Catchment
from anycastlab.experiments.names import Names, Path
from anycastlab.experiments.registry import STEPS
from anycastlab.experiments.step import Step

if TYPE_CHECKING:
    from anycastlab.topology.load import Document
    from anycastlab.topology.models import Topology
    from anycastlab.topology.reporter import Reporter


@dataclass(frozen=True, slots=True)
class Line:
    """One step as the runner needs it: typed, as written (in one line), and where it is written."""

    step: Step
    text: str
    line: int


def script(document: Document) -> tuple[Line, ...]:
    """Return the file's steps; without any, the one that compares catchment and prediction.

    The file has passed :func:`check`, so nothing here can be wrong.
    """
    raw = document.topology.experiment
    if not raw:
        return (Line(Catchment(), "catchment: {is: predicted}", 1),)
    return tuple(
        Line(
            typed(verb, argument),
            text(verb, argument),
            document.positions.mark(("experiment", place)).line,
        )
        for place, entry in enumerate(raw)
        for verb, argument in entry.items()
    )


def typed(verb: str, argument: Any) -> Step:
    """Make the step of its argument; raises pydantic's ValidationError."""
    model: Any = STEPS[verb]
    step: Step = model.model_validate(argument)
    return step


def text(verb: str, argument: Any) -> str:
    """Write a step in one line, as YAML."""
    flow = yaml.safe_dump(argument, default_flow_style=True, sort_keys=False, width=1 << 20)
    return f"{verb}: " + flow.removesuffix("...\n").strip()


def check(topology: Topology, reporter: Reporter) -> None:
    """Report every mistake in the experiment: unknown steps, keys and names, wrong values."""
    names = Names.of(topology)
    for place, entry in enumerate(topology.experiment):
        for verb, argument in entry.items():
            check_step(("experiment", place, verb), verb, argument, names, reporter)


def check_step(path: Path, verb: str, argument: Any, names: Names, reporter: Reporter) -> None:
    """Report every mistake in one step."""
    if verb not in STEPS:
        hint = did_you_mean(verb, STEPS) or f"; steps: {', '.join(STEPS)}"
        reporter.problem(path, f"unknown step {verb!r}{hint}", at_key=True)
        return
    model: Any = STEPS[verb]
    try:
        step = typed(verb, argument)
    except ValidationError as error:
        reporter.validation(path, error, model)
        return
    step.check(names, lambda inner, message: reporter.problem((*path, *inner), message))
