"""What is made of a recorded stream: every count has a case in which it is not zero."""

from __future__ import annotations

from dataclasses import replace

import pytest

from anycastlab.probing.stream_record import Trace
from tests.probing.streams import at, flow, judged, struck, trace

TAKEOVER = ["s1", "s1", "s1", "", "", "s2", "s2"]


def test_a_takeover_has_a_last_packet_a_first_one_and_the_gap_between_them() -> None:
    found = flow(TAKEOVER)
    assert (found.old, found.new) == ("s1", "s2")
    assert (found.last_old, found.first_new) == (at(0.1), at(3.1))
    assert found.gap == 3_000_000
    assert (found.sent, found.received, found.lost) == (7, 5, 2)
    assert [(run.instance, run.packets) for run in found.runs] == [("s1", 3), ("s2", 2)]
    assert found.ok


def test_a_flow_that_nothing_happens_to_has_no_gap() -> None:
    found = flow(["s1"] * 6, faults=[struck(0, 1, "s1")])
    assert (found.old, found.new, found.gap, found.lost) == ("s1", "s1", 0, 0)
    assert found.last_old is None
    assert found.first_new is None


def test_a_flow_that_comes_back_to_the_same_instance_has_a_gap_too() -> None:
    found = flow(["s1", "s1", "", "", "", "s1"], faults=[struck(0, 1, "s1")])
    assert (found.old, found.new, found.gap, found.lost) == ("s1", "s1", 4_000_000, 3)


def test_what_is_lost_before_the_fault_is_no_gap_of_it() -> None:
    found = flow(["s1", "", "s1", "s1"], faults=[struck(1.5, 2, "s1")])
    assert (found.gap, found.lost) == (0, 1)


def test_a_gap_without_end_is_none_and_nobody_is_left() -> None:
    found = flow(["s1", "s1", "s1", "", "", ""])
    assert (found.old, found.new, found.gap, found.lost) == ("s1", None, None, 3)
    assert not found.ok
    assert flow(["s1", "s1", "s1", "", "", ""], faults=[struck(0, 1)]).ok


def test_the_loss_of_the_very_last_packet_is_no_gap_without_end() -> None:
    found = flow([*TAKEOVER, ""])
    assert (found.new, found.gap, found.lost) == ("s2", 3_000_000, 3)


def test_a_client_that_can_send_no_more_is_left_alone_though_nothing_was_lost() -> None:
    found = flow(["s1", "s1", "s1", "refused", "refused", "refused"])
    assert (found.new, found.sent, found.refused, found.lost) == (None, 3, 3, 0)


def test_a_flow_that_nobody_ever_received_has_no_instance() -> None:
    found = flow(["", "", "", ""], faults=[struck(0, 1)], before=())
    assert (found.old, found.new, found.gap, found.lost) == (None, None, None, 4)
    assert found.ok


def test_copies_are_counted_beyond_the_first() -> None:
    assert flow(["s1", "s1 s2", "s1 s1 s1"], faults=[]).duplicated == 3


def test_a_packet_after_a_later_one_is_reordered_and_a_copy_is_not() -> None:
    def disordered(*numbers: int) -> Trace:
        straight = trace(["s1"] * 4)
        arrivals = [
            replace(straight.arrivals[number], stamp=at(place))
            for place, number in enumerate(numbers)
        ]
        return replace(straight, arrivals=arrivals)

    for numbers, late in (((0, 2, 1, 3), 1), ((3, 0, 1, 2), 3), ((0, 1, 1, 2, 3, 0), 0)):
        (found,) = judged(disordered(*numbers)).flows
        assert found.reordered == late


def test_returns_to_an_instance_that_was_left_are_bounces() -> None:
    assert flow(TAKEOVER).bounced == 0
    assert flow(["s1", "s1", "s1", "s2", "s1", "s2", "s2"]).bounced == 2


def test_a_packet_at_an_instance_predicted_neither_before_nor_after_is_misdelivered() -> None:
    found = flow(["s1", "s3", "s1", "s3", "s2", "s2"])
    assert found.misdelivered == 2
    assert not found.ok
    assert flow(TAKEOVER).misdelivered == 0


def test_what_was_predicted_before_an_earlier_fault_is_no_excuse_after_the_next() -> None:
    faults = [struck(0, 0.5, "s2"), struck(2, 2.5, "s3", text="kill s2")]
    fine = ["s1", "s1", "s1", "s2", "s2", "s3", "s3"]
    assert flow(fine, faults=faults).misdelivered == 0
    assert flow([*fine[:-2], "s1", "s3"], faults=faults).misdelivered == 1


def test_of_two_faults_the_longest_gap_counts_and_not_the_time_between_them() -> None:
    faults = [struck(0, 0.5, "s2"), struck(6, 6.5, "s3", text="kill s2")]
    found = flow(["s1", "s1", "s1", "", "", *["s2"] * 4, "", "s3", "s3"], faults=faults)
    assert found.gap == 3_000_000
    assert (found.last_old, found.first_new) == (at(0.1), at(8.1))


def test_received_but_not_answered_is_counted_apart_from_lost() -> None:
    mute = trace(["s1"] * 4, answered={0: at(0)})
    (found,) = judged(mute, faults=[struck(0, 1, "s1")]).flows
    assert (found.unanswered, found.lost) == (3, 0)
    assert flow(TAKEOVER).unanswered == 0


@pytest.mark.parametrize(("end", "ok"), [("s2", True), ("s1", False)])
def test_all_is_well_only_when_each_flow_ends_where_it_is_predicted_to(end: str, ok: bool) -> None:
    found = judged(trace(TAKEOVER), trace(["s1", "s1", "s1", end, end]))
    assert found.ok is ok


def test_time_counts_from_the_first_fault_or_from_the_first_packet_without_any() -> None:
    assert judged(trace(TAKEOVER)).zero == at(0)
    assert judged(trace(TAKEOVER), faults=[]).zero == at(-2)


def test_the_json_document_counts_in_milliseconds_from_the_first_fault() -> None:
    found = judged(trace(TAKEOVER), late=[0, 600_000]).as_json()
    (first,) = found["flows"]
    assert found["faults"] == [{"fault": "kill s1", "began_ms": 0.0, "ended_ms": 0.5}]
    assert found["late"] == {"packets": 1, "of": 2, "worst_ms": 0.6}
    assert (first["last_old_ms"], first["first_new_ms"], first["gap_ms"]) == (0.1, 3.1, 3.0)
    assert first["runs"][1] == {
        "instance": "s2",
        "first_ms": 3.1,
        "last_ms": 4.1,
        "packets": 2,
    }
    (endless,) = judged(trace(["s1", "s1", "s1", "", ""])).as_json()["flows"]
    assert (endless["new"], endless["gap_ms"], endless["first_new_ms"]) == (None, None, None)
