"""Ctrl-C while the supervisor is asked something must not leave its answer to the next question."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import pytest

from anycastlab.errors import LostLabError
from anycastlab.lab.channel import Channel
from anycastlab.lab.handle import Lab

pytestmark = pytest.mark.usefixtures("leak_guard")


@contextmanager
def paused(lab: Lab) -> Iterator[None]:
    """Let the supervisor answer nothing meanwhile."""
    supervisor = lab.record.supervisor
    assert supervisor is not None
    os.kill(supervisor.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(supervisor.pid, signal.SIGCONT)


@contextmanager
def ctrl_c_soon() -> Iterator[None]:
    """Raise KeyboardInterrupt while something is being waited for."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def ask_in_vain(lab: Lab, question: Callable[[], object]) -> None:
    """Ask, and be interrupted before the answer is there."""
    with paused(lab), ctrl_c_soon(), pytest.raises(KeyboardInterrupt):
        question()


def test_the_next_question_has_its_own_answer(lab: Lab) -> None:
    status = lab.status()
    ask_in_vain(lab, lab.status)
    assert lab.troubles() == []
    ask_in_vain(lab, lambda: lab.hold(["s1", "s2"]))
    assert lab.status() == status


def test_without_a_new_connection_it_has_the_old_one(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = lab.status()
    monkeypatch.setattr(Channel, "_abandon", lambda *_: None)
    ask_in_vain(lab, lab.status)
    assert lab.troubles() == list(status)


def test_a_lab_that_is_gone_meanwhile_is_missed_by_the_next_question(lab: Lab) -> None:
    with paused(lab), ctrl_c_soon(), pytest.raises(KeyboardInterrupt):
        (lab.directory / "control").unlink()
        lab.troubles()
    with pytest.raises(LostLabError):
        lab.troubles()
