"""The runner: lab up, the steps one after the other, lab down; the verdict on all of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from anycastlab.errors import AnycastlabError, InterruptedLabError, UsageError
from anycastlab.experiments.events import LabDown, LabUp, Listener, StepBegan, StepEnded
from anycastlab.experiments.script import Line, script
from anycastlab.experiments.step import Context
from anycastlab.experiments.verdict import Outcome, StepResult, Verdict

if TYPE_CHECKING:
    from anycastlab.lab.handle import Lab
    from anycastlab.probing.prober import Prober
    from anycastlab.topology.load import Document


def _nothing(_document: Document, _lab: Lab) -> AbstractContextManager[object]:
    """Do nothing beside an experiment."""
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs experiments: how a lab is brought up, who listens, whether to stop at a failure.

    ``beside`` makes a context that is entered when a lab is up and left before it goes down.
    """

    bring_up: Callable[[Document], Lab]
    make_prober: Callable[[Lab], AbstractContextManager[Prober]]
    tell: Listener
    fail_fast: bool = False
    beside: Callable[[Document, Lab], AbstractContextManager[object]] = _nothing

    def run(self, document: Document) -> Verdict:
        """Run one topology's experiment. An error or Ctrl-C ends it early and is in the verdict."""
        began = time.monotonic()
        results: list[StepResult] = []
        error: AnycastlabError | None = None
        try:
            self._steps(document, results)
        except KeyboardInterrupt:
            error = InterruptedLabError("interrupted; the lab is down")
        except AnycastlabError as caught:
            error = caught
        seconds = time.monotonic() - began
        verdict = Verdict(document.network.name, document.path, tuple(results), seconds, error)
        self.tell(LabDown(verdict))
        return verdict

    def _steps(self, document: Document, results: list[StepResult]) -> None:
        began = time.monotonic()
        lines = script(document)
        with (
            self.bring_up(document) as lab,
            self.beside(document, lab),
            self.make_prober(lab) as prober,
        ):
            seconds, written = time.monotonic() - began, bool(document.topology.experiment)
            self.tell(LabUp(lab.name, len(lab.network.nodes), seconds, written))
            for line in lines:
                self.tell(StepBegan(line.text, line.line))
                try:
                    result = perform(line, Context(lab, prober))
                except AnycastlabError as error:
                    error.add_note(f"{document.path}:{line.line}: {line.text}")
                    raise
                results.append(result)
                self.tell(StepEnded(result))
                if result.outcome.interrupted:
                    raise KeyboardInterrupt
                if self.fail_fast and not result.ok:
                    return


def perform(line: Line, context: Context) -> StepResult:
    """Run one step. It fails when the lab refuses it as it is now, or has gone wrong itself."""
    began = time.monotonic()
    try:
        outcome = line.step.run(context)
    except UsageError as error:
        outcome = Outcome("not possible now", (str(error),))
    if troubles := context.lab.troubles():
        outcome = replace(outcome, differences=(*outcome.differences, *troubles))
    return StepResult(line.text, line.line, time.monotonic() - began, outcome)
