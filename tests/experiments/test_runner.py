"""The runner: order, failures, errors, interruption; what it tells and what it returns."""

from __future__ import annotations

import pytest

from anycastlab.errors import FeatureError, LabExistsError, ProgramError, UsageError
from anycastlab.experiments.events import Event, LabDown, LabUp, StepBegan, StepEnded
from anycastlab.experiments.runner import Runner
from anycastlab.experiments.script import script
from anycastlab.experiments.verdict import Verdict
from anycastlab.report.progress import verdict_lines
from anycastlab.topology.load import Document
from tests.experiments.networks import document
from tests.experiments.paper import Lie, PaperLab, PaperProber, reaching

STEPS = """\
- expect: {from: c1, to: A, instance: s1}
- kill: s1
- expect: {from: c1, to: A, instance: s1}
- expect: {from: c1, to: A, instance: s2}
"""


class Stage:
    """Runs experiments in labs on paper, and remembers labs and events."""

    def __init__(self, *lies: Lie) -> None:
        self.lies = lies
        self.labs: list[PaperLab] = []
        self.events: list[Event] = []

    def bring_up(self, loaded: Document) -> PaperLab:
        self.labs.append(PaperLab(loaded.network))
        return self.labs[-1]

    def run(self, loaded: Document, *, fail_fast: bool = False) -> Verdict:
        def probe(lab: PaperLab) -> PaperProber:
            return PaperProber(lab, *self.lies)

        return Runner(self.bring_up, probe, self.events.append, fail_fast).run(loaded)


def test_all_steps_are_done_in_order_and_a_failed_one_does_not_end_them() -> None:
    stage = Stage()
    verdict = stage.run(document(STEPS))
    assert [step.ok for step in verdict.steps] == [True, True, False, True]
    assert (verdict.ok, verdict.exit_status, verdict.error) == (False, 1, None)
    assert not stage.labs[0].is_up


def test_fail_fast_ends_the_experiment_at_the_first_failure() -> None:
    stage = Stage()
    verdict = stage.run(document(STEPS), fail_fast=True)
    assert [step.ok for step in verdict.steps] == [True, True, False]
    assert not stage.labs[0].is_up


def test_a_good_experiment_passes() -> None:
    verdict = Stage().run(document("- catchment: {is: predicted}"))
    assert (verdict.ok, verdict.exit_status) == (True, 0)


def test_without_an_experiment_the_catchment_is_compared_and_the_listener_is_told() -> None:
    stage = Stage()
    assert stage.run(document()).ok
    assert isinstance(stage.events[0], LabUp)
    assert stage.events[0].written is False
    assert not Stage(reaching("s1")).run(document()).ok


def test_the_listener_hears_everything_in_order() -> None:
    stage = Stage()
    verdict = stage.run(document("- kill: s1"))
    kinds = [type(event) for event in stage.events]
    assert kinds == [LabUp, StepBegan, StepEnded, LabDown]
    assert stage.events[-1] == LabDown(verdict)


def test_what_the_lab_refuses_fails_the_step_and_not_the_run() -> None:
    stage = Stage()

    def refuse(_node: str) -> None:
        raise UsageError("node 's1' is dead already")

    def bring_up(loaded: Document) -> PaperLab:
        lab = stage.bring_up(loaded)
        lab.kill = refuse  # type: ignore[method-assign]
        return lab

    loaded = document("- kill: s1\n- expect: {from: c1, to: A, instance: s1}")
    verdict = Runner(bring_up, PaperProber, stage.events.append).run(loaded)
    assert verdict.error is None
    assert [step.ok for step in verdict.steps] == [False, True]
    assert verdict.steps[0].outcome.differences == ("node 's1' is dead already",)


def test_a_lab_that_does_not_come_up_is_the_verdicts_error() -> None:
    def bring_up(_loaded: Document) -> PaperLab:
        raise LabExistsError("lab 'figure1' is up already")

    events: list[Event] = []
    verdict = Runner(bring_up, PaperProber, events.append).run(document(STEPS))
    assert (verdict.ok, verdict.exit_status, verdict.steps) == (False, 4, ())
    assert events == [LabDown(verdict)]


@pytest.mark.parametrize(
    ("error", "status", "interrupted"),
    [(KeyboardInterrupt(), 130, True), (FeatureError("no tun here"), 3, False)],
)
def test_what_ends_a_run_early_takes_the_lab_down_and_keeps_what_was_done(
    error: BaseException, status: int, interrupted: bool
) -> None:
    def strike(_: object) -> None:
        raise error

    stage = Stage(lambda honest: honest if len(stage.events) < 5 else strike(honest) or honest)
    verdict = stage.run(document(STEPS))
    assert len(verdict.steps) == 2
    assert (verdict.exit_status, verdict.interrupted, verdict.ok) == (status, interrupted, False)
    assert not stage.labs[0].is_up


def test_the_step_that_an_error_ends_is_told_with_its_place() -> None:
    def strike(_: object) -> None:
        raise ProgramError("no program 'nothing'")

    stage = Stage(lambda honest: honest if len(stage.events) < 5 else strike(honest) or honest)
    verdict = stage.run(document(STEPS))
    step, error, _ = list(verdict_lines(verdict))[-3:]
    ended = script(document(STEPS))[2]
    assert step == f"{verdict.file}:{ended.line}: {ended.text}"
    assert error == "figure1: no program 'nothing'"
