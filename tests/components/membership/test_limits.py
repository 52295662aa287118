"""How much is taken of whom."""

from __future__ import annotations

import logging

import pytest

from anycastlab.components.membership.limits import Lines, Senders


def test_a_sender_has_its_rate_and_no_more() -> None:
    senders = Senders(100)
    assert sum(senders.takes("s1", now / 10_000) for now in range(10_000)) in range(195, 202)


def test_a_flood_of_one_sender_costs_another_nothing() -> None:
    senders = Senders(10)
    taken = [senders.takes("flood", 0.0) for _ in range(1000)]
    assert taken.count(True) == 10
    assert senders.takes("s1", 0.0)


def test_a_thousand_made_up_senders_share_what_one_has() -> None:
    senders = Senders(10)
    taken = [senders.takes(number, 0.0) for number in range(5000)]
    assert taken.count(True) == 1024 + 10


def test_a_log_has_a_line_for_each_event_until_they_are_too_many(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lines = Lines("r1 agent")
    with caplog.at_level(logging.WARNING):
        for number in range(150):
            lines.write(f"event {number}", 0.0)
    assert len(caplog.messages) == 100
    assert caplog.messages[0] == "r1 agent: event 0"
    assert lines.unwritten == 50
    lines.write("later", 1.0)
    assert caplog.messages[-1] == "r1 agent: later"
