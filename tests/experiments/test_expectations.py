"""The steps `expect` and `catchment`: each form is met by what it asks for, and by nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from anycastlab.experiments.script import typed
from anycastlab.experiments.step import Context
from anycastlab.experiments.verdict import Outcome
from anycastlab.probing.observation import Observation
from tests.experiments.networks import FIGURE1, network
from tests.experiments.paper import Lie, PaperLab, PaperProber, reaching

C1: dict[str, Any] = {"from": "c1", "to": "A"}


def outcome(verb: str, argument: dict[str, Any], lies: Sequence[Lie]) -> Outcome:
    """Run a step in a lab on paper."""
    lab = PaperLab(network(FIGURE1))
    return typed(verb, argument).run(Context(lab, PaperProber(lab, *lies)))


def doubled(honest: Any) -> Any:
    """Lie that the instance received the probe twice."""
    return honest._replace(copies=2)


def mute(honest: Any) -> Any:
    """Lie that nobody answered what was received."""
    return honest._replace(answered_by=None)


def elsewhere(honest: Any) -> Any:
    """Lie that s2 received it, and that nobody answered."""
    return honest._replace(received_by=("s2",), answered_by=None)


def answered_by_s2(honest: Any) -> Any:
    """Lie that another one answered than received it."""
    return honest._replace(answered_by="s2")


def only(client: str, lie: Lie) -> Lie:
    """Lie about one client's probes only."""
    return lambda honest: lie(honest) if honest.client == client else honest


HONEST: Lie = Observation._replace


@pytest.mark.parametrize(
    ("argument", "good", "bad", "differs"),
    [
        ({"instance": "s1"}, HONEST, reaching("s2"), "expected s1, received by s2"),
        ({"instance": "s1"}, HONEST, mute, "expected s1, received by s1, answered by nobody"),
        ({"instance": "s1"}, HONEST, reaching(), "expected s1, received by nobody"),
        ({"instance": "s1"}, HONEST, reaching("s1", "s2"), "received by s1 and s2"),
        ({"instance": ["s1", "s2"]}, reaching("s2"), reaching("s3"), "expected s1 or s2"),
        ({"instance": "none"}, reaching(), HONEST, "expected nobody, received by s1"),
        ({"instance": "predicted"}, HONEST, reaching("s2"), "expected s1 (predicted)"),
        ({"instance": "s1", "answered": False}, mute, HONEST, "expected no answer, received by s1"),
        ({"instance": "s2", "answered": False}, elsewhere, mute, "expected s2 to receive it"),
        (
            {"instance": "none", "answered": False},
            reaching(),
            mute,
            "expected nobody to receive it",
        ),
        ({"instance": "s1", "answered": True}, HONEST, answered_by_s2, "expected s1, received by"),
        ({"answered": False}, elsewhere, reaching("s2"), "expected no answer"),
        ({"answered": True}, reaching("s2"), mute, "expected an answer"),
        ({"never": "s2"}, HONEST, reaching("s1", "s2"), "expected never s2"),
        ({"never": ["s2", "s3"]}, reaching(), reaching("s3"), "expected never s2 or s3"),
        ({"exactly-one": True}, HONEST, doubled, "expected exactly one copy, found 2"),
        ({"exactly-one": True}, reaching("s2"), reaching("s1", "s2"), "found 2"),
        ({"exactly-one": True}, HONEST, reaching(), "found 0"),
    ],
)
def test_each_form_of_expect_has_a_way_to_be_met_and_a_way_to_fail(
    argument: dict[str, Any], good: Lie, bad: Lie, differs: str
) -> None:
    assert outcome("expect", C1 | argument, [good]).ok
    failed = outcome("expect", C1 | argument, [bad])
    assert not failed.ok
    assert len(failed.differences) == 6
    assert failed.differences[0].startswith("c1 → A, IPv4, ICMP: ")
    assert differs in failed.differences[0]


def test_expect_probes_every_family_and_protocol_unless_told_otherwise() -> None:
    kinds = [(one.family, one.protocol) for one in outcome_of_c1({}).observations]
    assert len(set(kinds)) == 6
    kinds = [(one.family, one.protocol) for one in outcome_of_c1({"family": 6}).observations]
    assert kinds == [(6, "icmp"), (6, "tcp"), (6, "udp")]
    narrow = outcome_of_c1({"family": 4, "protocol": "tcp"})
    assert [(one.family, one.protocol) for one in narrow.observations] == [(4, "tcp")]


def outcome_of_c1(options: dict[str, Any]) -> Outcome:
    """Run an expectation that is met."""
    return outcome("expect", C1 | {"instance": "s1"} | options, [HONEST])


def test_expect_asks_one_client_some_or_all_that_live() -> None:
    lab = PaperLab(network(FIGURE1))
    lab.kill("c2")
    step = typed("expect", {"from": "all", "to": "A", "instance": "s1"})
    found = step.run(Context(lab, PaperProber(lab)))
    assert {one.client for one in found.observations} == {"c1"}
    both = outcome("expect", {"from": ["c1", "c2"], "to": "A", "instance": ["s1", "s2"]}, [HONEST])
    assert {one.client for one in both.observations} == {"c1", "c2"}


@pytest.mark.parametrize(
    ("argument", "waits"),
    [({"instance": "s1"}, False), ({"never": "s2"}, True), ({"exactly-one": True}, True)],
)
def test_late_copies_are_waited_for_when_there_should_be_none(
    argument: dict[str, Any], waits: bool
) -> None:
    lab = PaperLab(network(FIGURE1))
    prober = PaperProber(lab)
    typed("expect", C1 | argument).run(Context(lab, prober))
    assert (prober.lingered > 0) == waits


def test_expect_within_tries_again_and_fails_at_its_deadline() -> None:
    late = [reaching("s2"), reaching("s2"), HONEST]
    argument = C1 | {"instance": "s1", "within": "20s"}
    assert outcome("expect", argument, late).ok
    assert not outcome("expect", C1 | {"instance": "s1"}, late).ok
    never = outcome("expect", C1 | {"instance": "s1", "within": 0.02}, [reaching("s2")])
    assert "received by s2" in never.differences[0]


def test_expect_for_fails_when_it_is_broken_only_once() -> None:
    argument = C1 | {"never": "s2", "for": "20s"}
    assert not outcome("expect", argument, [HONEST, reaching("s2"), HONEST]).ok
    assert outcome("expect", C1 | {"never": "s2", "for": "20ms"}, [HONEST]).ok


@pytest.mark.parametrize(
    ("argument", "lie", "count"),
    [
        ({}, only("c2", reaching("s1")), 6),
        ({"group": "A", "is": "predicted"}, only("c1", mute), 6),
        ({"clients": ["c2"]}, reaching("s1"), 6),
        ({"family": 4}, only("c1", reaching("s2")), 3),
        ({"protocol": "udp"}, only("c1", reaching("s2")), 2),
        ({"is": {"c1": "s1", "c2": "s2"}}, only("c2", reaching("s1")), 6),
        ({"is": {"c1": ["s1", "s2"], "c2": "s2"}}, reaching("s1"), 6),
        ({"is": {"c1": "s1"}, "within": 0.02}, reaching("s2"), 6),
    ],
)
def test_each_form_of_catchment_is_met_by_the_truth_and_fails_by_a_lie(
    argument: dict[str, Any], lie: Lie, count: int
) -> None:
    assert outcome("catchment", argument, [HONEST]).ok
    failed = outcome("catchment", argument, [lie])
    assert len(failed.differences) == count


def test_catchment_of_a_client_that_reaches_nobody_fails_when_somebody_receives() -> None:
    lab = PaperLab(network(FIGURE1))
    lab.now = replace(lab.now, cut=frozenset({lab.network.links[0].name}))
    step = typed("catchment", {"is": {"c1": "none", "c2": "predicted"}})
    assert step.run(Context(lab, PaperProber(lab))).ok
    failed = step.run(Context(lab, PaperProber(lab, only("c1", reaching("s1")))))
    assert "c1 → A, IPv4, ICMP: expected nobody, received by s1" in failed.differences[0]
