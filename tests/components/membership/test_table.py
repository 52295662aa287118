"""The router's state machine, on a clock that a test sets."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

import pytest

from anycastlab.components.membership.options import MembershipTimers
from anycastlab.components.membership.querier import Querier
from anycastlab.components.membership.table import Key, Table

S1, S2 = Key("lan1", "s1", b"A" * 16), Key("lan1", "s2", b"A" * 16)


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.time = 1000.0
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()

    def now(self) -> float:
        return self.time

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._heap, (self.time + seconds, next(self._count), call))

    def run(self, seconds: float, late: float = 0.0) -> None:
        """Let time pass; every call comes *late* by so much."""
        end = self.time + seconds
        while self._heap and self._heap[0][0] <= end:
            due, _, call = heapq.heappop(self._heap)
            self.time = max(self.time, due + late)
            call()
        self.time = max(self.time, end)


class Router:
    """A table, and what it has asked to be done, each with its time."""

    def __init__(self, profile: str = "default", most: int = 10) -> None:
        self.clock = Clock()
        self.timers = MembershipTimers.model_validate(profile)
        self.did: list[tuple[str, str, float]] = []
        self.unread: list[Key] = []
        self.table = Table(self.timers, most, self.clock, self)
        self.start = self.clock.time

    def _note(self, what: str, key: Key) -> None:
        self.did.append((what, key.member, round(self.clock.time - self.start, 3)))

    def announce(self, key: Key) -> None:
        if self.did[-1:] != [("announce", key.member, self.did[-1][2] if self.did else 0)]:
            self._note("announce", key)

    def withdraw(self, key: Key) -> None:
        self._note("withdraw", key)

    def ask(self, key: Key) -> None:
        self._note("ask", key)

    def catch_up(self) -> None:
        while self.unread:
            self.table.report(self.unread.pop())

    def members(self) -> list[str]:
        return sorted(entry.key.member for entry in self.table)


def test_the_default_timers_are_those_of_the_protocol() -> None:
    timers = MembershipTimers.model_validate("default")
    assert (timers.query, timers.response, timers.listener) == (125, 10, 260)
    assert (timers.startup, timers.last, timers.leaving) == (31.25, 1, 2)
    assert timers.other_querier == 255
    assert MembershipTimers.model_validate({"query": "5s", "response": "1s"}).listener == 11


def test_a_member_that_says_nothing_more_is_gone_after_the_listener_interval() -> None:
    router = Router()
    assert router.table.report(S1)
    router.clock.run(259.9)
    assert router.did == [("announce", "s1", 0)]
    router.clock.run(0.2)
    assert router.did[1:] == [("withdraw", "s1", 260)]
    assert router.table.counts["expired"] == 1


def test_a_report_begins_the_interval_anew() -> None:
    router = Router()
    router.table.report(S1)
    router.clock.run(200)
    router.table.report(S1)
    router.clock.run(259)
    assert router.members() == ["s1"]
    router.clock.run(2)
    assert router.members() == []


def test_who_takes_leave_is_asked_twice_and_gone_after_two_intervals() -> None:
    router = Router()
    router.table.report(S1)
    router.table.report(S2)
    router.clock.run(5)
    router.table.leave(S1)
    router.clock.run(10)
    asked = [("ask", "s1", 5), ("ask", "s1", 6), ("withdraw", "s1", 7)]
    assert [one for one in router.did if one[0] != "announce"] == asked
    assert router.members() == ["s2"]
    assert router.table.counts["leaves"] == 1


def test_who_answers_has_not_left_whoever_said_so() -> None:
    router = Router()
    router.table.report(S1)
    router.table.leave(S1)
    router.clock.run(0.5)
    router.table.report(S1)
    router.clock.run(100)
    assert router.members() == ["s1"]
    assert [what for what, *_ in router.did].count("withdraw") == 0
    assert [what for what, *_ in router.did].count("ask") == 1


def test_a_leave_of_no_member_does_nothing() -> None:
    router = Router()
    router.table.leave(S1)
    router.clock.run(10)
    assert router.did == []


def test_another_routers_question_has_to_be_answered_too() -> None:
    router = Router()
    router.table.report(S1)
    router.table.report(S2)
    router.table.asked("lan1", S1.address)
    router.table.report(S2)
    router.clock.run(3)
    assert router.members() == ["s2"]
    router.table.asked("lan2", S2.address)
    router.clock.run(3)
    assert router.members() == ["s2"]


def test_a_member_that_comes_and_goes_is_held_down_before_it_is_announced_again() -> None:
    router = Router()
    router.table.report(S1)
    router.table.leave(S1)
    router.clock.run(2)
    router.table.report(S1)
    router.clock.run(9)
    assert router.did[-1] == ("withdraw", "s1", 2)
    router.clock.run(2)
    assert router.did[-1] == ("announce", "s1", 12)
    assert router.table.counts["held"] == 1


def test_a_member_held_down_that_leaves_again_is_not_announced() -> None:
    router = Router()
    for _ in range(2):
        router.table.report(S1)
        router.table.leave(S1)
        router.clock.run(2)
    router.clock.run(20)
    assert [what for what, *_ in router.did].count("announce") == 1


def test_more_members_than_the_table_holds_are_refused_and_counted() -> None:
    router = Router(most=1)
    assert router.table.report(S1)
    assert not router.table.report(S2)
    assert router.table.report(S1)
    assert router.table.counts["full"] == 1
    assert router.members() == ["s1"]
    router.clock.run(261)
    assert router.table.report(S2)


def test_what_has_come_in_and_is_unread_keeps_a_member() -> None:
    router = Router()
    router.table.report(S1)
    router.unread = [S1]
    router.clock.run(300)
    assert router.members() == ["s1"]


def test_a_clock_that_was_late_costs_no_member_its_route_but_only_once() -> None:
    router = Router("fast")
    router.table.report(S1)
    router.clock.run(router.timers.listener, late=1)
    assert router.members() == ["s1"]
    assert router.did[-1][0] == "ask"
    router.clock.run(2, late=1)
    assert router.members() == []


def test_what_is_taken_over_has_to_report_in_time() -> None:
    router = Router()
    router.table.adopt(S1, 30)
    router.table.adopt(S2, 30)
    router.table.report(S1)
    router.clock.run(31)
    assert router.members() == ["s1"]
    assert ("withdraw", "s2", 30) in router.did


def test_a_closed_table_does_nothing_more() -> None:
    router = Router()
    router.table.report(S1)
    router.table.leave(S1)
    router.table.close()
    router.clock.run(300)
    assert [what for what, *_ in router.did] == ["announce", "ask"]


@pytest.mark.parametrize(
    ("other", "asked"),
    [(b"\x01", [0, 31.25, 355]), (b"\x09", [0, 31.25, 156.25, 281.25, 406.25])],
)
def test_the_router_of_the_lowest_address_asks(other: bytes, asked: list[float]) -> None:
    clock = Clock()
    times: list[float] = []
    timers = MembershipTimers.model_validate("default")
    querier = Querier(timers, b"\x05", clock, lambda: times.append(clock.time - 1000))
    querier.start()
    clock.run(100)
    querier.heard(other)
    clock.run(312)
    assert times == asked
    querier.stop()
    clock.run(1000)
    assert times == asked
