"""What a run says, line by line."""

from __future__ import annotations

import pytest

from anycastlab.errors import InterruptedLabError
from anycastlab.experiments.events import LabDown, LabUp, StepBegan, StepEnded
from anycastlab.experiments.verdict import Outcome
from anycastlab.report.progress import lines, span
from tests.report.verdicts import failed, passed, verdict


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.00042, "0.4 ms"), (0.0124, "12 ms"), (1.2, "1.20 s")]
)
def test_durations_have_the_unit_that_suits_them(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_a_lab_that_is_up_is_told_and_so_is_a_missing_experiment() -> None:
    assert list(lines(LabUp("figure1", 6, 0.05, written=True))) == ["figure1: 6 nodes up in 50 ms"]
    _, told = lines(LabUp("figure1", 6, 0.05, written=False))
    assert "no experiment in the file" in told
    assert list(lines(StepBegan("kill: s1", 3))) == []


def test_a_step_tells_what_it_saw_and_how_it_differed() -> None:
    assert list(lines(StepEnded(passed()))) == [
        "  ✓ kill: s1",
        "      s1 is dead, 2.0 ms",
    ]
    mark, seen, difference = lines(StepEnded(failed()))
    assert mark.startswith("  ✗ expect: ")
    assert seen == "      6 probes: s2, 12 ms"
    assert difference.strip() == "c1 → A, IPv4, ICMP: expected s1"


def test_many_differences_are_summed_up_after_the_first_ten() -> None:
    many = tuple(f"difference {number}" for number in range(40))
    told = list(lines(StepEnded(failed(Outcome("seen", many)))))
    assert len(told) == 2 + 10 + 1
    assert told[-1].strip() == "… and 30 more (40 in all)"
    ten = list(lines(StepEnded(failed(Outcome("seen", many[:10])))))
    assert len(ten) == 2 + 10


def test_the_verdict_names_every_step_that_was_not_met_by_its_place() -> None:
    assert list(lines(LabDown(verdict(passed())))) == ["figure1: passed, 1 step in 1.50 s"]
    assert list(lines(LabDown(verdict(passed(), failed())))) == [
        "figure1.yaml:12: not met: expect: {from: c1, to: A, instance: s1}",
        "figure1: FAILED (1 not met), 2 steps in 1.50 s",
    ]


def test_an_interrupted_run_says_so_after_what_was_done() -> None:
    cut_short = verdict(passed(), error=InterruptedLabError("interrupted; the lab is down"))
    assert list(lines(LabDown(cut_short))) == [
        "figure1: interrupted; the lab is down",
        "figure1: INTERRUPTED, 1 step in 1.50 s",
    ]
