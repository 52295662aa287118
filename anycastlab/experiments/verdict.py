"""What an experiment showed: the outcome of each step, and the verdict on the whole topology."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anycastlab.errors import AnycastlabError, InterruptedLabError
from anycastlab.probing.observation import Observation

if TYPE_CHECKING:
    from anycastlab.probing.sessions import SessionsHeld
    from anycastlab.probing.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one step did and saw.

    ``seen`` is one short line; ``differences`` has one line for each way in which the step's
    expectation was not met, and is empty when it was; ``observations`` are those of the round of
    probes that decided; ``sessions`` and ``stream`` tell of those, if there were any; ``data`` is
    what else the step measured, as JSON. ``interrupted``: Ctrl-C ended it, and this is what there
    is.
    """

    seen: str
    differences: tuple[str, ...] = ()
    observations: tuple[Observation, ...] = ()
    sessions: SessionsHeld | None = None
    stream: Timeline | None = None
    data: Mapping[str, Any] | None = None
    interrupted: bool = False

    @property
    def ok(self) -> bool:
        """Whether the step did what the file says it should."""
        return not self.differences


@dataclass(frozen=True, slots=True)
class StepResult:
    """One step as written, where it stands in the file, how long it took (seconds), its outcome."""

    text: str
    line: int
    seconds: float
    outcome: Outcome

    @property
    def ok(self) -> bool:
        """Whether the step's outcome is."""
        return self.outcome.ok

    def as_json(self) -> dict[str, Any]:
        """The object that stands for this step in ``run --json``."""
        held, stream = self.outcome.sessions, self.outcome.stream
        return {
            "step": self.text,
            "line": self.line,
            "ok": self.ok,
            "seconds": round(self.seconds, 6),
            "seen": self.outcome.seen,
            "differences": list(self.outcome.differences),
            "observations": [one.as_json() for one in self.outcome.observations],
            **({} if held is None else {"sessions": held.as_json()}),
            **({} if stream is None else {"stream": stream.as_json()}),
            **({} if self.outcome.data is None else {"data": dict(self.outcome.data)}),
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of one topology file's experiment.

    ``error`` is what ended it early (the lab would not come up, Ctrl-C); the steps before it are
    kept. ``seconds`` counts from before the lab came up until after it was gone.
    """

    name: str
    file: str
    steps: tuple[StepResult, ...]
    seconds: float
    error: AnycastlabError | None = None

    @property
    def ok(self) -> bool:
        """Whether every step ran and met its expectation."""
        return self.error is None and all(step.ok for step in self.steps)

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended it."""
        return isinstance(self.error, InterruptedLabError)

    @property
    def exit_status(self) -> int:
        """0 when all is met, 1 when an expectation was not, else the status of the error."""
        if self.error is not None:
            return self.error.exit_status
        return 0 if self.ok else 1

    def as_json(self) -> dict[str, Any]:
        """The object that stands for this topology in ``run --json``."""
        return {
            "name": self.name,
            "file": self.file,
            "ok": self.ok,
            "seconds": round(self.seconds, 6),
            "error": None if self.error is None else str(self.error),
            "steps": [step.as_json() for step in self.steps],
        }
