"""When a member is withdrawn and announced by the answers to its checks, in simulated time."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anycastlab.components.health_judge import Judge
from anycastlab.errors import HostError, UsageError

from .health_world import MEMBERS, Answers, world

USUAL = "interval: 200ms, fall: 3, rise: 2, hold-down: 2s"
BOUND = 0.2 * 3 + 1


def only_s1(dies: float, lives: float = float("inf")) -> Answers:
    """The service of s1 is dead from one time to another."""
    return lambda name, now: name != "s1" or not dies <= now < lives


def flapping(name: str, now: float) -> bool:
    """The service of s1 is dead for 50 ms, alive for 50 ms, and so on."""
    return name != "s1" or now % 0.1 >= 0.05


def test_a_judge_believes_fall_failures_and_rise_answers_in_a_row() -> None:
    judge = Judge(fall=3, rise=2)
    seen = [False, False, True, False, False, False, True, False, True, True]
    assert [(judge.see(one), judge.alive) for one in seen] == [
        *[(False, True)] * 5,
        (True, False),
        *[(False, False)] * 3,
        (True, True),
    ]


@settings(deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.lists(st.booleans(), max_size=60))
def test_a_judge_changes_its_mind_for_nothing_less(fall: int, rise: int, seen: list[bool]) -> None:
    judge = Judge(fall, rise)
    for at, one in enumerate(seen):
        needed = fall if judge.alive else rise
        if judge.see(one):
            assert seen[at + 1 - needed : at + 1] == [judge.alive] * needed


@pytest.mark.parametrize("dies", [0.0, 0.21, 0.39, 1.0])
def test_a_dead_service_is_withdrawn_in_interval_times_fall_and_a_second(dies: float) -> None:
    with world(USUAL, only_s1(dies)) as members:
        members.run(10)
        ((when, announced),) = members.history
        assert announced == {"s2", "s3"}
        assert dies + 0.4 <= when <= dies + BOUND


def test_a_live_service_is_not() -> None:
    with world(USUAL, lambda *_: True) as members:
        members.run(10)
        assert members.history == []
        assert members.announced == set(MEMBERS)
        assert members.told("s1")["checks"] == 49


def test_fewer_failures_than_fall_are_nothing() -> None:
    with world(USUAL, only_s1(1.0, 1.35)) as members:
        members.run(10)
        assert members.history == []
        assert members.told("s1")["failures"] == 2


def test_it_is_announced_after_the_hold_down() -> None:
    with world(USUAL, only_s1(1.0, 2.0)) as members:
        members.run(10)
        (withdrawn, _), (announced, all_again) = members.history
        assert all_again == set(MEMBERS)
        assert 2.0 <= announced - withdrawn <= 2.0 + 0.21


def test_without_a_hold_down_it_is_announced_after_rise_answers() -> None:
    with world("interval: 200ms, hold-down: 0s", only_s1(1.0, 2.0)) as members:
        members.run(10)
        (announced,) = members.announcements("s1")
        assert 2.2 <= announced <= 2.45


def test_ten_flaps_a_second_are_at_most_one_announcement_in_a_hold_down() -> None:
    with world("interval: 10ms, fall: 1, rise: 1, hold-down: 2s", flapping) as members:
        members.run(20)
        found = members.announcements("s1")
        assert 5 <= len(found) <= 10
        assert all(later - earlier >= 2 for earlier, later in pairwise(found))


def test_without_a_hold_down_every_flap_is_seen_by_the_world() -> None:
    with world("interval: 10ms, fall: 1, rise: 1, hold-down: 0s", flapping) as members:
        members.run(20)
        assert 190 <= len(members.announcements("s1")) <= 210


def test_the_last_stays_when_all_fail_and_goes_when_another_is_back() -> None:
    def answers(name: str, now: float) -> bool:
        return now < 1 or (name == "s1" and now > 5)

    with world("interval: 200ms, hold-down: 0s", answers) as members:
        members.run(4)
        (last,) = members.announced
        assert members.told(last)["failing_open"]
        assert not members.told(last)["alive"]
        members.run(4)
        assert members.announced == {"s1"}


def test_without_fail_open_nobody_stays() -> None:
    def answers(_name: str, now: float) -> bool:
        return now < 1

    with world("interval: 200ms, fail-open: false", answers) as members:
        members.run(4)
        assert members.announced == set()


def test_who_is_dead_is_not_counted_as_announced() -> None:
    with world(USUAL, only_s1(1.0)) as members:
        dead = members.faults.state.__class__(dead=frozenset({"s2", "s3"}))
        members.faults.state = dead
        members.run(10)
        assert members.announced == {"s1"}


def test_who_was_withdrawn_by_hand_is_announced_only_by_hand() -> None:
    with world(USUAL, only_s1(1.0, 3.0)) as members:
        members.run(0.5)
        members.faults.withdraw("s1", "A")
        members.run(10)
        assert "s1" not in members.announced
        members.faults.announce("s1", "A")
        members.run(10)
        assert "s1" in members.announced
        assert members.announcements("s1") == [pytest.approx(10.5)]


def test_a_withdrawal_by_hand_comes_on_top_of_the_checks_own() -> None:
    with world(USUAL, only_s1(1.0, 3.0)) as members:
        members.run(2.5)
        assert "s1" not in members.announced
        members.faults.withdraw("s1", None)
        with pytest.raises(UsageError, match="has withdrawn already"):
            members.faults.withdraw("s1", None)
        members.run(10)
        assert members.told("s1")["alive"]
        assert "s1" not in members.announced


def test_who_is_announced_by_hand_stays_until_the_service_has_died_again() -> None:
    def answers(name: str, now: float) -> bool:
        return name != "s1" or now < 1 or 20 <= now < 30

    with world(USUAL, answers) as members:
        members.run(5)
        assert "s1" not in members.announced
        members.faults.announce("s1", "A")
        members.run(24)
        assert members.announcements("s1") == [pytest.approx(5.0)]
        assert "s1" in members.announced
        members.run(10)
        assert "s1" not in members.announced


def test_a_checker_that_begins_anew_goes_on_where_it_stopped() -> None:
    with world(USUAL, only_s1(1.0, 5.0)) as members:
        members.run(4)
        checker = members.checkers["s1"]
        checker.stop()
        members.run(4)
        assert "s1" not in members.announced
        place = checker._ties["A"]._place
        checker.start(place, checker.options())
        members.run(4)
        assert "s1" in members.announced


def test_a_daemon_that_refuses_does_not_end_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    with world(USUAL, only_s1(1.0, 5.0)) as members:
        entered = members.faults._plane.reconverge

        def refuse(state: object) -> int:
            entered(state)  # type: ignore[arg-type]
            raise HostError("bird in s1 does not answer")

        monkeypatch.setattr(members.faults._plane, "reconverge", refuse)
        members.run(1.6)
        assert members.told("s1")["problem"] == "bird in s1 does not answer"
        monkeypatch.undo()
        members.run(10)
        assert "s1" in members.announced


schedules = st.lists(st.tuples(st.integers(1, 30), st.booleans()), min_size=1, max_size=12)


def scheduled(schedule: list[tuple[int, bool]], now: float) -> bool:
    """What a list of (tenths of a second, alive) says of a time; it is repeated."""
    at = now * 10 % sum(length for length, _ in schedule)
    for length, alive in schedule:
        if at < length:
            return alive
        at -= length
    return True


@settings(max_examples=40, deadline=None)
@given(
    st.fixed_dictionaries(dict.fromkeys(MEMBERS, schedules)),
    st.integers(1, 3),
    st.integers(1, 3),
    st.sampled_from([0, 1, 3]),
)
def test_whatever_happens_somebody_is_announced_and_nobody_flaps(
    plan: dict[str, list[tuple[int, bool]]], fall: int, rise: int, hold: int
) -> None:
    check = f"interval: 100ms, fall: {fall}, rise: {rise}, hold-down: {hold}s"
    with world(check, lambda name, now: scheduled(plan[name], now)) as members:
        members.run(15)
        assert all(announced for _, announced in members.history)
        for name in MEMBERS:
            found = members.announcements(name)
            assert all(later - earlier >= hold for earlier, later in pairwise(found))
            counts = members.told(name)
            assert counts["withdrawals"] - counts["announcements"] == (not counts["announced"])


by_hand = st.lists(
    st.tuples(
        st.integers(1, 20), st.sampled_from(MEMBERS), st.sampled_from(["withdraw", "announce"])
    ),
    max_size=8,
)


@settings(max_examples=40, deadline=None)
@given(st.fixed_dictionaries(dict.fromkeys(MEMBERS, schedules)), by_hand)
def test_who_is_withdrawn_by_hand_stays_so_whatever_its_service_does(
    plan: dict[str, list[tuple[int, bool]]], hands: list[tuple[int, str, str]]
) -> None:
    check = "interval: 100ms, fall: 1, rise: 1, hold-down: 0s"
    kept = set[str]()
    with world(check, lambda name, now: scheduled(plan[name], now)) as members:
        for tenths, name, verb in hands:
            members.run(tenths / 10)
            try:
                getattr(members.faults, verb)(name, "A")
            except UsageError:  # it is so already
                continue
            (kept.add if verb == "withdraw" else kept.discard)(name)
            assert (name in members.announced) == (verb == "announce")
            assert kept.isdisjoint(members.announced)
        members.run(3)
        assert kept.isdisjoint(members.announced)
