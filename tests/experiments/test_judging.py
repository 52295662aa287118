"""How one observation is judged, and the words for it."""

from __future__ import annotations

import pytest

from anycastlab.experiments.judging import (
    answered,
    delivered,
    difference,
    differences,
    not_received,
    received,
    received_once,
    summary,
)
from tests.experiments.paper import observation


@pytest.mark.parametrize(
    ("want", "received", "answered", "met"),
    [
        (("s1",), ("s1",), "s1", True),
        (("s1",), ("s2",), "s2", False),
        (("s1",), ("s1",), None, False),
        (("s1",), (), None, False),
        (("s1",), ("s1",), "s2", False),
        (("s1",), ("s1", "s2"), "s1", False),
        (("s1", "s2"), ("s2",), "s2", True),
        (("s1", "s2"), ("s3",), "s3", False),
        ((), (), None, True),
        ((), ("s1",), None, False),
        ((), (), "s1", False),
    ],
)
def test_only_wanted_instances_may_receive_and_one_of_them_answers(
    want: tuple[str, ...], received: tuple[str, ...], answered: str | None, met: bool
) -> None:
    seen = observation(received_by=received, answered_by=answered)
    assert (delivered(want)(seen) is None) == met


@pytest.mark.parametrize(
    ("want", "members", "met"),
    [
        (("s1",), ("s1",), True),
        (("s1", "s2"), ("s2",), True),
        (("s1",), ("s1", "s2"), False),
        (("s1",), (), False),
        ((), (), True),
        ((), ("s1",), False),
        ("predicted", ("s1",), True),
        ("predicted", ("s2",), False),
    ],
)
@pytest.mark.parametrize("answerer", [None, "s1"])
def test_reception_can_be_expected_apart_from_the_answer(
    want: tuple[str, ...] | str, members: tuple[str, ...], met: bool, answerer: str | None
) -> None:
    seen = observation(received_by=members, answered_by=answerer)
    assert (received(want)(seen) is None) == met
    assert (answered(True)(seen) is None) == (answerer is not None)
    assert (answered(False)(seen) is None) == (answerer is None)


def test_the_prediction_is_met_by_a_predicted_instance_and_by_no_other() -> None:
    tie = ("s1", "s2")
    assert delivered("predicted")(observation(predicted=tie)) is None
    strange = observation(predicted=tie, received_by=("s3",), answered_by="s3")
    assert delivered("predicted")(strange) == "expected s1 or s2 (predicted)"


def test_never_is_broken_by_reception_alone() -> None:
    seen = observation(received_by=("s1", "s3"))
    assert not_received(("s2",))(seen) is None
    assert not_received(("s2", "s3"))(seen) == "expected never s2 or s3"


@pytest.mark.parametrize(
    ("received", "copies", "met"),
    [(("s1",), 1, True), (("s1",), 2, False), (("s1", "s2"), 2, False), ((), 0, False)],
)
def test_exactly_one_is_one_copy_at_one_member(
    received: tuple[str, ...], copies: int, met: bool
) -> None:
    complaint = received_once(observation(received_by=received, copies=copies))
    assert (complaint is None) == met


def test_a_difference_says_where_and_what() -> None:
    seen = observation(client="c3", received_by=("s2", "s3"), answered_by="s2", copies=2)
    assert difference(seen, "expected s1") == (
        "c3 → A, IPv4, ICMP: expected s1, received by s2 and s3, answered by s2"
    )
    silent = observation(family=6, protocol="udp", received_by=(), answered_by=None)
    assert difference(silent, "expected s1") == (
        "c1 → A, IPv6, UDP: expected s1, received by nobody, answered by nobody"
    )


def test_every_judge_is_heard_on_every_observation() -> None:
    twice = observation(received_by=("s1", "s2"), copies=2)
    found = differences([observation(), twice], [delivered(("s1",)), received_once])
    assert len(found) == 2
    assert "expected s1," in found[0]
    assert "expected exactly one copy, found 2" in found[1]


def test_the_summary_counts_who_received_and_tells_when_another_answered() -> None:
    same = [observation(), observation(family=6)]
    assert summary(same) == "2 probes: s1"
    lost = observation(received_by=(), answered_by=None)
    mute = observation(answered_by=None)
    assert summary([*same, lost]) == "3 probes: s1 2, nobody 1"
    assert summary([mute]) == "1 probe: s1 (answered by nobody)"
    other = observation(received_by=("s1", "s2"), answered_by="s2")
    assert summary([other]) == "1 probe: s1+s2 (answered by s2)"


def test_a_summary_names_the_largest_and_counts_the_others() -> None:
    many = [observation(received_by=(f"s{n}",), answered_by=f"s{n}") for n in range(20)]
    told = summary([*many, observation(received_by=("s19",), answered_by="s19")])
    assert told.startswith("21 probes: s19 2, s0 1, ")
    assert told.endswith("s6 1, 12 others 12")
