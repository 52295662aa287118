"""What the supervisor's loop does later."""

from __future__ import annotations

from anycastlab.lab.timers import Timers


def test_calls_come_in_the_order_they_are_due() -> None:
    timers, called = Timers(), list[str]()
    timers.after(0.0002, lambda: called.append("late"))
    timers.after(0, lambda: called.append("early"))
    while len(called) < 2:
        timers.run()
    assert called == ["early", "late"]
    assert timers.wait() is None


def test_a_cancelled_call_never_comes_and_nobody_waits_for_it() -> None:
    timers, called = Timers(), list[str]()
    timers.after(0, lambda: called.append("cancelled")).cancel()
    assert timers.wait() is None
    timers.run()
    assert called == []


def test_one_waits_as_long_as_the_next_call_is_away() -> None:
    timers = Timers()
    timers.after(60, lambda: None)
    timers.after(3600, lambda: None)
    wait = timers.wait()
    assert wait is not None
    assert 59 < wait <= 60


def test_what_a_call_adds_waits_for_the_next_run() -> None:
    timers, called = Timers(), list[int]()

    def again() -> None:
        called.append(len(called))
        timers.after(0, again)

    timers.after(0, again)
    timers.run()
    assert called == [0]
