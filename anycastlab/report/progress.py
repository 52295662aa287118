"""What a run does and sees, as lines of text, event by event."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from anycastlab.experiments.events import Event, LabDown, LabUp, StepBegan, StepEnded
from anycastlab.experiments.verdict import StepResult, Verdict
from anycastlab.report import sessions

SHOWN = 10
"""How many differences of one step are spelled out."""


def span(seconds: float) -> str:
    """Write a duration for people: ``0.4 ms``, ``12 ms``, ``1.20 s``."""
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1e3:.0f} ms" if seconds >= 0.01 else f"{seconds * 1e3:.1f} ms"


def lines(event: Event) -> Iterator[str]:
    """Yield the lines that tell of one event; none for the beginning of a step."""
    match event:
        case LabUp(name, nodes, seconds, written):
            yield f"{name}: {nodes} nodes up in {span(seconds)}"
            if not written:
                yield "  (no experiment in the file: the catchment must be as predicted)"
        case StepEnded(result):
            yield from step_lines(result)
        case LabDown(verdict):
            yield from verdict_lines(verdict)
        case StepBegan():
            return


def step_lines(result: StepResult) -> Iterator[str]:
    """Yield the step with a mark, what was seen, and what differed."""
    yield f"  {'✓' if result.ok else '✗'} {result.text}"
    yield f"      {result.outcome.seen}, {span(result.seconds)}"
    if result.outcome.sessions is not None:
        yield from (f"      {line}" for line in sessions.lines(result.outcome.sessions))
    yield from (f"      {line}" for line in shortened(result.outcome.differences))


def shortened(differences: Iterable[str]) -> Iterator[str]:
    """Yield the first differences, and how many there are besides."""
    differences = tuple(differences)
    yield from differences[:SHOWN]
    if len(differences) > SHOWN:
        yield f"… and {len(differences) - SHOWN} more ({len(differences)} in all)"


def verdict_lines(verdict: Verdict) -> Iterator[str]:
    """Yield the verdict on one topology."""
    failed = [step for step in verdict.steps if not step.ok]
    for step in failed:
        yield f"{verdict.file}:{step.line}: not met: {step.text}"
    if verdict.error is not None:
        yield from getattr(verdict.error, "__notes__", ())  # the step it ended
        yield f"{verdict.name}: {verdict.error}"
    count = len(verdict.steps)
    state = "passed" if verdict.ok else f"FAILED ({len(failed)} not met)"
    if verdict.error is not None:
        state = "INTERRUPTED" if verdict.interrupted else "FAILED"
    yield f"{verdict.name}: {state}, {count} step{'s' * (count != 1)} in {span(verdict.seconds)}"
