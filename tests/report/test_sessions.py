"""Sessions as a table."""

from __future__ import annotations

from typing import Any

from anycastlab.experiments.events import StepEnded
from anycastlab.experiments.verdict import Outcome, StepResult
from anycastlab.probing.sessions import DEFAULTS, SessionResult, SessionsHeld
from anycastlab.report.progress import lines as progress
from anycastlab.report.sessions import lines


def session(instance: str | None, fate: Any, *reset_by: str, lost: int = 0) -> SessionResult:
    return SessionResult("c1", "A", 6, instance, fate, reset_by, 10, lost, 0.0012, None)


def held(*sessions: SessionResult) -> SessionsHeld:
    return SessionsHeld(DEFAULTS, sessions, ())


def test_each_instance_has_a_row_and_each_fate_met_a_column() -> None:
    shifted = held(
        session("s2", "survived"),
        session("s1", "reset", "s2", lost=16),
        session("s1", "reset", "s2", lost=16),
        session(None, "refused"),
    )
    assert list(lines(shifted)) == [
        "began at  sessions  survived  reset     refused   reset by  bytes lost  slowest answer",
        "nobody    1         0 (0%)    0 (0%)    1 (100%)  -         -           1.2 ms",
        "s1        2         0 (0%)    2 (100%)  0 (0%)    s2 2      32          1.2 ms",
        "s2        1         1 (100%)  0 (0%)    0 (0%)    -         -           1.2 ms",
    ]


def test_columns_without_anything_to_tell_are_left_out() -> None:
    heading, row = lines(held(session("s1", "survived")))
    assert heading.split() == ["began", "at", "sessions", "survived", "slowest", "answer"]
    assert row.split() == ["s1", "1", "1", "(100%)", "1.2", "ms"]


def test_a_run_shows_the_table_below_what_it_saw() -> None:
    outcome = Outcome("1 session: 1 survived", sessions=held(session("s1", "survived")))
    told = list(progress(StepEnded(StepResult("sessions: {}", 9, 1.0, outcome))))
    assert told[1] == "      1 session: 1 survived, 1.00 s"
    assert told[2].startswith("      began at")
    assert "sessions" in StepResult("", 9, 1.0, outcome).as_json()
    assert "sessions" not in StepResult("", 9, 1.0, Outcome("nothing")).as_json()
