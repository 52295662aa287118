"""The step ``sessions``: its amounts, its mistakes, its judgement; real labs, sound and unsound."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from anycastlab.errors import TopologyError
from anycastlab.experiments.amount import Amount
from anycastlab.experiments.load import load_checked
from anycastlab.experiments.runner import Runner
from anycastlab.experiments.script import typed
from anycastlab.experiments.sessions import Fates, Sessions, summary
from anycastlab.experiments.verdict import Verdict
from anycastlab.lab.handle import Lab
from anycastlab.probing.prober import Prober
from anycastlab.probing.sessions import SessionResult
from anycastlab.topology.load import Document
from tests.experiments.networks import FIGURE1, document, written

TOPOLOGIES = Path(__file__).parents[2] / "topologies"
NAME = f"sessions-{os.getpid()}"


# Amounts


@pytest.mark.parametrize(
    ("amount", "count", "met"),
    [
        ("100%", 40, True),
        ("100%", 39, False),
        ("0%", 0, True),
        (0, 0, True),
        (3, 3, True),
        ("3", 4, False),
        ("at least 25%", 10, True),
        ("at least 25%", 9, False),
        ("at most 2", 2, True),
        ("at most 2", 3, False),
        ("at most 2.5%", 1, True),
    ],
)
def test_an_amount_is_met_by_what_it_says(amount: object, count: int, met: bool) -> None:
    read = Amount.of(amount)
    assert read.met(count, 40) is met
    assert str(read) == str(amount)


@pytest.mark.parametrize(
    "amount", ["all", "101%", "-1", "at best 3", "2.5", "", None, True, 1.5, "at least", "1e3", []]
)
def test_what_is_no_amount_is_refused(amount: object) -> None:
    with pytest.raises(ValueError, match="expected"):
        Amount.of(amount)


# Mistakes in the file


@pytest.mark.parametrize(
    ("argument", "problem"),
    [
        ("{from: c1, to: A}", "expects nothing: give survived, reset"),
        ("{from: c1, to: A, expect: [{of: s1}]}", "expects nothing: give survived, reset"),
        ("{from: c1, to: A, expect: [{reset: 1}]}", "'of' is missing"),
        ("{from: c9, to: A, survived: 100%}", "19:22: unknown client 'c9'"),
        ("{from: c1, to: B, survived: 100%}", "19:30: unknown group 'B'"),
        ("{from: c1, to: A, survived: most}", "19:43: expected an amount"),
        ("{from: c1, to: A, surived: 100%}", "unknown key 'surived'; did you mean 'survived'?"),
        ("{from: c1, to: A, survived: 1, count: 0}", "expected a number of 1 or more, not 0"),
        ("{from: c1, to: A, survived: 1, count: 9999}", "expected a number of 4000 or less"),
        ("{from: c1, to: A, survived: 1, pace: 0}", "expected a number greater than 0, not 0"),
        ("{from: c1, to: A, survived: 1, pace: 5 ns}", "expected a time with its unit"),
        ("{from: c1, to: A, only-to: s9}", "'s9' is no member of A"),
        ("{from: c1, to: A, reset-by: r1}", "'r1' is no member of A"),
        ("{from: c1, to: A, expect: [{of: c2, reset: 1}]}", "19:47: 'c2' is no member of A"),
        ("{from: c1, to: A, expect: [{of: s1, reset-by: x}]}", "19:61: 'x' is no member of A"),
        ("{from: c1, to: A, hung: 1, during: [{kil: s1}]}", "unknown fault 'kil'; did you mean"),
        ("{from: c1, to: A, hung: 1, during: [{kill: s7}]}", "19:58: unknown node 's7'"),
        ("{from: c1, to: A, hung: 1, during: [{cut: [r1]}]}", "expected the two ends of a link"),
        ("{from: c1, to: A, hung: 1, during: [{kill: s1, cut: [r1, r2]}]}", "has 2 keys"),
        ("{from: c1, to: A, hung: 1, during: [{expect: s1}]}", "unknown fault 'expect'"),
    ],
)
def test_a_mistake_is_told_at_its_place(argument: str, problem: str) -> None:
    with pytest.raises(TopologyError) as caught:
        document(f"- sessions: {argument}")
    assert problem in str(caught.value)
    assert str(caught.value).startswith("lab.yaml:19:")


# Judgement


def session(instance: str | None, fate: Any, *reset_by: str) -> SessionResult:
    return SessionResult("c1", "A", 4, instance, fate, reset_by, 10, 0, 0.001, None)


SHIFTED = [session("s1", "reset", "s2")] * 3 + [session("s2", "survived")] * 2


def step(**argument: object) -> Sessions:
    made = typed("sessions", {"from": "all", "to": "A", **argument})
    assert isinstance(made, Sessions)
    return made


@pytest.mark.parametrize(
    "argument",
    [
        {"survived": "at least 2", "reset": "60%", "hung": 0, "refused": 0, "closed": "0%"},
        {"reset-by": "s2"},
        {"only-to": ["s1", "s2"]},
        {"expect": [{"of": "s1", "reset": "100%", "reset-by": "s2"}, {"of": "s2", "reset": 0}]},
        {"expect": [{"of": ["s1", "s2"], "survived": "40%"}]},
    ],
)
def test_what_is_as_expected_passes(argument: dict[str, object]) -> None:
    assert list(step(**argument).differences(SHIFTED)) == []


@pytest.mark.parametrize(
    ("argument", "difference"),
    [
        ({"survived": "100%"}, "all sessions: expected 100% survived, found 2 of 5 (40%), 3 reset"),
        (
            {"reset": "at most 2"},
            "all sessions: expected at most 2 reset, found 3 of 5 (60%), 2 survived",
        ),
        ({"hung": 1}, "all sessions: expected 1 hung, found 0 of 5 (0%), 2 survived, 3 reset"),
        (
            {"closed": "at least 1"},
            "all sessions: expected at least 1 closed, found 0 of 5 (0%), 2 survived, 3 reset",
        ),
        (
            {"refused": "100%"},
            "all sessions: expected 100% refused, found 0 of 5 (0%), 2 survived, 3 reset",
        ),
        ({"reset-by": "s1"}, "all sessions: expected resets by s1, 3 by s2"),
        (
            {"expect": [{"of": "s1", "reset-by": ["s1", "s3"]}]},
            "sessions that began at s1: expected resets by s1 or s3, 3 by s2",
        ),
        ({"only-to": "s1"}, "expected sessions only to s1, 2 began at s2"),
        (
            {"expect": [{"of": "s1", "survived": 1}]},
            "sessions that began at s1: expected 1 survived, found 0 of 3 (0%), 3 reset",
        ),
        ({"expect": [{"of": "s3", "survived": "0%"}]}, "sessions that began at s3: there is none"),
    ],
)
def test_what_differs_is_told(argument: dict[str, object], difference: str) -> None:
    assert list(step(**argument).differences(SHIFTED)) == [difference]


def test_a_reset_nobody_was_seen_to_send_is_by_none_of_those_expected() -> None:
    unseen = [session("s1", "reset"), session("s1", "reset", "s2", "s3")]
    fates = Fates.model_validate({"reset-by": "s2"})
    assert list(fates.judge(unseen, "all")) == [
        "all: expected resets by s2, 1 by nobody seen",
        "all: expected resets by s2, 1 by s2 and s3",
    ]


def test_a_session_that_never_began_began_at_nobody() -> None:
    refused = [session(None, "refused")]
    assert list(step(**{"only-to": "s1"}).differences(refused)) == [
        "expected sessions only to s1, 1 began at nobody"
    ]


def test_the_summary_counts_the_fates() -> None:
    assert summary(SHIFTED) == "5 sessions: 2 survived, 3 reset (by s2 3)"
    assert summary([session("s1", "hung")]) == "1 session: 1 hung"


# Real labs


def judged(file: Path) -> Verdict:
    """Run a topology file for real, under a name of its own."""

    @contextmanager
    def quick(loaded: Document) -> Iterator[Lab]:
        with Lab.launch(replace(loaded.network, name=NAME), file) as lab:
            yield lab

    return Runner(quick, Prober, lambda _event: None).run(load_checked(file))  # type: ignore[arg-type]


def differences(verdict: Verdict) -> list[tuple[str, ...]]:
    assert verdict.error is None
    return [step.outcome.differences for step in verdict.steps]


@pytest.mark.parametrize("name", ["tcp-shift", "ecmp-stickiness", "ecmp-unsound"])
def test_what_the_topology_teaches_is_so(name: str, leak_guard: None) -> None:
    verdict = judged(TOPOLOGIES / f"{name}.yaml")
    assert not any(differences(verdict))
    assert any("sessions" in step.as_json() for step in verdict.steps)


def variant(name: str, folder: Path, settings: str, steps: str) -> Path:
    """Write a topology with other settings and another experiment."""
    text = (TOPOLOGIES / f"{name}.yaml").read_text().partition("\nexperiment:")[0]
    file = folder / f"{name}.yaml"
    before, _, _ = text.partition("  multipath:")
    file.write_text(f"{before}  multipath: {settings}\n\nexperiment:\n{steps}")
    return file


GONE_AND_BACK = """\
  - sessions:
      {from: all, to: A, count: 160, during: [{cut: [s1, r2]}, {mend: [s1, r2]}], after: 300ms,
       apart: 300ms, expect: [{of: [s2, s3, s4], survived: 100%}]}
"""
SECOND_OF_LOSS = """\
  - sessions:
      {from: c1, to: A, count: 80, during: [{blackhole: {link: [c1, r1]}},
       {clear: {link: [c1, r1]}}], apart: 500ms, after: 1s, reset: at least 30%}
"""
POLARISED = "  - sessions: {from: c1, to: A, count: 80, after: 100ms, only-to: [s1, s2, s5, s6]}\n"


@pytest.mark.parametrize(
    ("name", "settings", "steps", "holds"),
    [
        ("ecmp-stickiness", "{resilient: true}", GONE_AND_BACK, True),
        ("ecmp-stickiness", "{resilient: false}", GONE_AND_BACK, False),
        ("ecmp-unsound", "{hash: l4}", SECOND_OF_LOSS, True),
        ("ecmp-unsound", "{hash: header}", SECOND_OF_LOSS, False),
        ("ecmp-unsound", "{hash: header, seeds: false}", POLARISED, True),
        ("ecmp-unsound", "{hash: header, seeds: true}", POLARISED, False),
    ],
)
def test_the_setting_makes_the_difference(
    tmp_path: Path, leak_guard: None, name: str, settings: str, steps: str, holds: bool
) -> None:
    (found,) = differences(judged(variant(name, tmp_path, settings, steps)))
    assert (found == ()) is holds


def test_wrong_expectations_of_a_shift_fail(tmp_path: Path, leak_guard: None) -> None:
    file = tmp_path / "lab.yaml"
    wrong = """\
- sessions: {from: all, to: A, count: 8, after: 200ms, survived: 100%, only-to: s1,
    during: [{kill: s1}], expect: [{of: s1, reset-by: s1}, {of: s2, hung: 100%}]}
- sessions: {from: all, to: A, count: 8, after: 200ms, survived: 100%, during: [{kill: s1}]}
"""
    file.write_text(written(wrong, FIGURE1))
    first, second = differences(judged(file))
    assert first == (
        "all sessions: expected 100% survived, found 4 of 8 (50%), 4 reset",
        "expected sessions only to s1, 4 began at s2",
        "sessions that began at s1: expected resets by s1, 4 by s2",
        "sessions that began at s2: expected 100% hung, found 0 of 4 (0%), 4 survived",
    )
    assert second == ("node 's1' is dead already",)
