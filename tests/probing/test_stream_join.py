"""The id of a packet tells its flow and number, whoever recorded it."""

from __future__ import annotations

from anycastlab.probing.stream_join import join
from anycastlab.probing.stream_record import Arrival, Flow
from tests.probing.streams import FLOW

OTHER = Flow("c2", 4, FLOW.target)
SENT = [10, 11, 20, 21, 30]


def test_slots_go_to_the_flows_in_turn() -> None:
    received = {"s1": [(100, 15), (102, 25)], "s2": [(101, 16), (104, 35)]}
    one, two = join((FLOW, OTHER), 100, SENT, received, {101: (18, None)})
    assert (one.flow, one.sent) == (FLOW, [10, 20, 30])
    assert one.arrivals == [Arrival(15, 0, "s1"), Arrival(25, 1, "s1"), Arrival(35, 2, "s2")]
    assert (two.flow, two.sent, two.arrivals) == (OTHER, [11, 21], [Arrival(16, 0, "s2")])
    assert (one.answered, two.answered) == ({}, {0: 18})


def test_arrivals_are_in_order_of_time_over_all_members() -> None:
    (found,) = join((FLOW,), 0, SENT, {"s1": [(0, 9), (1, 3)], "s2": [(2, 5)]}, {})
    assert [arrival.number for arrival in found.arrivals] == [1, 2, 0]


def test_ids_of_other_streams_are_left_out() -> None:
    (found,) = join((FLOW,), 100, SENT, {"s1": [(99, 1), (105, 2)]}, {99: (3, "s1")})
    assert (found.arrivals, found.answered) == ([], {})


def test_an_answer_that_names_its_instance_proves_an_arrival_that_no_tap_saw() -> None:
    answers = {100: (12, "s9"), 101: (13, "s1"), 102: (14, None)}
    (found,) = join((FLOW,), 100, SENT, {"s1": [(101, 11)]}, answers)
    assert found.arrivals == [Arrival(11, 1, "s1"), Arrival(12, 0, "s9", seen=False)]
    assert len(found.answered) == 3
