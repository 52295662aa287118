"""What the runner tells whoever listens, in the order in which it happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from anycastlab.experiments.verdict import StepResult, Verdict


@dataclass(frozen=True, slots=True)
class LabUp:
    """The lab is up, after so many seconds; ``written`` tells if the file has an experiment."""

    name: str
    nodes: int
    seconds: float
    written: bool


@dataclass(frozen=True, slots=True)
class StepBegan:
    """A step begins."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class StepEnded:
    """A step ended, well or not."""

    result: StepResult


@dataclass(frozen=True, slots=True)
class LabDown:
    """The lab is gone, and this is the verdict."""

    verdict: Verdict


Event = LabUp | StepBegan | StepEnded | LabDown
Listener = Callable[[Event], None]
