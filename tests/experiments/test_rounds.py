"""Rounds of probes: when they are repeated, and when they stop."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from anycastlab.experiments.amount import Amount
from anycastlab.experiments.judging import Judge, delivered
from anycastlab.experiments.rounds import PATIENCE, Round
from anycastlab.probing.observation import Observation
from tests.experiments.networks import FIGURE1, network
from tests.experiments.paper import Lie, PaperLab, PaperProber, reaching


def rounds(judge: Judge, *lies: Lie) -> tuple[Round, PaperProber]:
    prober = PaperProber(PaperLab(network(FIGURE1)), *lies)
    return Round(prober, ("c1",), ("A",), (4, 6), ("icmp",), (judge,)), prober


def test_one_round_is_patient_and_is_judged_as_it_is() -> None:
    probes, prober = rounds(delivered(("s1",)), reaching("s2"))
    outcome = probes.once()
    assert prober.patience == [PATIENCE]
    assert not outcome.ok
    assert len(outcome.differences) == len(outcome.observations) == 2
    assert outcome.seen == "2 probes: s2"


def test_a_round_without_any_probe_is_a_failure() -> None:
    prober = PaperProber(PaperLab(network(FIGURE1)))
    outcome = Round(prober, (), ("A",), (4, 6), ("icmp",), (delivered(("s1",)),)).once()
    assert outcome.differences == ("nothing to probe: no client or no address is left",)


def test_a_family_the_group_does_not_have_is_a_failure() -> None:
    only4 = FIGURE1.replace("{members", "{addresses: 192.0.2.1, members")
    prober = PaperProber(PaperLab(network(only4)))
    probes = Round(prober, ("c1",), ("A",), (6,), ("icmp",), (delivered(("s1",)),))
    assert not probes.once().ok
    assert Round(prober, ("c1",), ("A",), (4,), ("icmp",), (delivered(("s1",)),)).once().ok


def test_within_repeats_at_once_until_the_expectation_is_met() -> None:
    probes, prober = rounds(delivered(("s1",)), *[reaching("s2")] * 4, reaching("s1"))
    outcome = probes.within(60.0)
    assert outcome.ok
    assert prober.rounds == 5
    assert outcome.seen == "2 probes: s1 (round 5)"


def test_within_fails_at_its_deadline_with_what_was_seen_last() -> None:
    probes, prober = rounds(delivered(("s1",)), reaching("s3"), reaching("s2"))
    began = time.monotonic()
    outcome = probes.within(0.3)
    assert 0.3 <= time.monotonic() - began < 5
    assert prober.rounds > 1
    assert "received by s2" in outcome.differences[0]


def test_rounds_before_a_deadline_are_short_and_the_last_is_patient() -> None:
    probes, prober = rounds(delivered(("s1",)), reaching())
    probes.within(0.3)
    assert prober.patience[0] == pytest.approx(0.03)
    assert prober.patience[-1] == PATIENCE


def test_silence_proves_nothing_until_it_has_lasted_long_enough() -> None:
    probes, prober = rounds(delivered(()), reaching())
    assert probes.within(60.0).ok
    assert prober.patience == [1.0]
    probes, prober = rounds(delivered(()), reaching(), reaching("s1"), reaching())
    assert probes.within(2.0).ok
    assert prober.patience == [0.2, PATIENCE, 0.2, PATIENCE]


def test_a_span_needs_every_round_to_be_good() -> None:
    good, bad = reaching("s1"), reaching("s2")
    probes, prober = rounds(delivered(("s1",)), good)
    assert probes.throughout(0.02).ok
    assert prober.rounds > 1
    probes, prober = rounds(delivered(("s1",)), good, good, bad, good)
    assert not probes.throughout(60.0).ok
    assert prober.rounds == 3


def test_a_share_of_the_probes_may_be_what_is_expected() -> None:
    wrong = reaching("s2")

    def half(one: Observation) -> Observation:
        return wrong(one) if one.family == 6 else one

    probes, _ = rounds(delivered(("s1",)), half)
    assert replace(probes, share=Amount.of("50%")).once().ok
    assert replace(probes, share=Amount.of("at least 1")).once().ok
    short = replace(probes, share=Amount.of("100%")).once()
    assert short.seen == "1 of 2 as expected; 2 probes: s1 1, s2 1"
    assert short.differences[0] == "expected 100% of 2 probes so, it was 1"
    assert not replace(probes, share=Amount.of("at most 0")).once().ok
