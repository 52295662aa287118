"""The step ``stream``: each limit is kept by one stream and broken by another."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from anycastlab.errors import TopologyError
from anycastlab.experiments.events import Event
from anycastlab.experiments.runner import Runner
from anycastlab.experiments.script import typed
from anycastlab.experiments.stream import Stream
from anycastlab.experiments.verdict import Outcome, Verdict
from anycastlab.lab.handle import Lab
from anycastlab.probing.prober import Prober
from anycastlab.probing.timeline import Timeline
from anycastlab.topology.load import Document
from tests.experiments.networks import FIGURE1, document, written
from tests.probing.streams import judged, struck, trace

NAME = f"stream-step-{os.getpid()}"
TAKEOVER = ["s1", "s1", "s1", "", "", "s2", "s2"]
ENDLESS = ["s1", "s1", "s1", "", "", ""]


def judge(found: Timeline, **expect: Any) -> Outcome:
    """Judge a stream on paper by what a file expects."""
    step = typed("stream", {"from": "c1", "to": "A", "expect": expect})
    assert isinstance(step, Stream)
    return step.judged(found)


@pytest.mark.parametrize(
    ("kept", "broken", "received", "differs"),
    [
        ({"lost": 2}, {"lost": 1}, TAKEOVER, "expected at most 1 lost, found 2"),
        ({"lost": "at least 2"}, {"lost": "at least 3"}, TAKEOVER, "at least 3 lost, found 2"),
        ({"lost": "50%"}, {"lost": "at most 20%"}, TAKEOVER, "at most 20% lost, found 2"),
        ({"gap": "3ms"}, {"gap": "2.9ms"}, TAKEOVER, "at most 2.9 ms, found one of 3.00 ms"),
        ({"ends-at": "none"}, {"ends-at": "none", "gap": "1s"}, ENDLESS, "one that has no end"),
        ({"ends-at": "s2"}, {"ends-at": "s1"}, TAKEOVER, "to end at s1, ended at s2"),
        ({"ends-at": ["s1", "s2"]}, {"ends-at": "none"}, TAKEOVER, "to end at nobody, ended at s2"),
        ({"ends-at": "none"}, {"ends-at": "predicted"}, ENDLESS, "to end at s2, ended at nobody"),
        ({"never": "s3"}, {"never": ["s3", "s1"]}, TAKEOVER, "never s1, which received 3"),
        ({"never-after": "s1"}, {"never-after": "s2"}, TAKEOVER, "to s2 afterwards"),
        (
            {"never-after": "s3"},
            {"never-after": "s1"},
            ["s1"] * 4 + ["s2"],
            "no packet to s1 afterwards, found one after 0.60 ms",
        ),
        (
            {"never-after": {"s1": "0.7ms"}},
            {"never-after": {"s1": "0.5ms"}},
            ["s1"] * 4 + ["s2"],
            "no packet to s1 afterwards from 0.5 ms on, found one after 0.60 ms",
        ),
        ({"duplicated": 1}, {"duplicated": 0}, ["s1 s1", "s1", "s2"], "0 duplicated, found 1"),
        ({"bounced": 2}, {"bounced": 1}, ["s1", "s2", "s1", "s2"], "1 bounced, found 2"),
        ({"misdelivered": 1}, {"misdelivered": 0}, ["s1", "s3", "s2"], "misdelivered, found 1"),
        ({"refused": 1}, {"refused": 0}, ["s1", "refused", "s2"], "0 refused, found 1"),
    ],
)
def test_a_limit_is_kept_or_broken(
    kept: dict[str, Any], broken: dict[str, Any], received: list[str], differs: str
) -> None:
    found = judged(trace(received))
    assert judge(found, **kept).differences == ()
    (difference,) = judge(found, **broken).differences
    assert difference.startswith("c1 → A, IPv4: ")
    assert differs in difference


def test_answers_that_do_not_come_are_limited_apart_from_losses() -> None:
    found = judged(trace(TAKEOVER, answered={0: 1}))
    assert judge(found, unanswered=4).ok
    assert judge(found, unanswered=3).differences == (
        "c1 → A, IPv4: expected at most 3 unanswered, found 4",
    )


def test_packets_out_of_order_are_limited() -> None:
    late = trace(["s1"] * 3)
    late = type(late)(late.flow, late.sent, [late.arrivals[at] for at in (1, 0, 2)], late.answered)
    found = judged(late, faults=[struck(0, 1, "s1")])
    assert judge(found, reordered=1).ok
    assert "expected at most 0 reordered, found 1" in judge(found, reordered=0).differences[0]


def test_without_an_expectation_each_flow_must_end_where_it_is_predicted_to() -> None:
    assert judge(judged(trace(TAKEOVER))).ok
    assert not judge(judged(trace(TAKEOVER), trace(ENDLESS))).ok
    assert judge(judged(trace(ENDLESS), faults=[struck(0, 1)])).ok


def test_what_was_seen_is_one_line_and_the_timeline_is_kept_for_reports() -> None:
    outcome = judge(judged(trace(TAKEOVER), trace(ENDLESS), trace(TAKEOVER)))
    assert outcome.seen == (
        "s1 → s2 (2), s1 → nobody (1); lost at most 3 of 6; gap at most 3.00 ms; 1 without end"
    )
    assert outcome.stream is not None
    assert outcome.stream.as_json()["flows"][0]["lost"] == 2


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("{from: c9, to: A}", "unknown client 'c9'; did you mean 'c"),
        ("{from: s1, to: A}", "'s1' is a server, not a client"),
        ("{from: c1, to: B}", "unknown group 'B'"),
        ("{from: c1}", "to"),
        ("{from: c1, to: A, expect: {never: s9}}", "'s9' is no member of A; did you mean 's"),
        ("{from: c1, to: A, expect: {ends-at: c1}}", "'c1' is no member of A"),
        ("{from: c1, to: A, expect: {never-after: {s9: 1s}}}", "'s9' is no member of A"),
        ("{from: c1, to: A, expect: {never-after: {s1: 1}, lost: -1}}", "expected an amount"),
        ("{from: c1, to: A, expect: {never-after: {s1: soon}}}", "for each name, expected a time"),
        ("{from: c1, to: A, expect: {lost: -1}}", "expected an amount"),
        ("{from: c1, to: A, expect: {lost: few}}", "expected an amount"),
        ("{from: c1, to: A, expect: {lots: 1}}", "did you mean 'lost'?"),
        ("{from: c1, to: A, during: [{kill: s9}]}", "unknown node 's9'"),
        ("{from: c1, to: A, during: [{kil: s1}]}", "unknown fault 'kil'; did you mean 'kill'?"),
        ("{from: c1, to: A, protocol: tcp}", "icmp"),
        ("{from: c1, to: A, interval: 0s}", "greater than 0"),
    ],
)
def test_a_mistake_is_found_before_any_lab_comes_up(argument: str, message: str) -> None:
    with pytest.raises(TopologyError, match=r"lab\.yaml:\d+:\d+: ") as caught:
        document(f"- stream: {argument}")
    assert message in str(caught.value)


def run(experiment: str, folder: Path) -> Verdict:
    """Run an experiment for real."""
    file = folder / "lab.yaml"
    file.write_text(written(experiment, FIGURE1))

    def bring_up(loaded: Document) -> Lab:
        return Lab.launch(loaded.network, file, NAME)

    events: list[Event] = []
    return Runner(bring_up, Prober, events.append).run(document(experiment))


REAL = """\
- stream: {from: all, to: A, interval: 1ms, before: 100ms, after: 200ms, during: [{kill: s1}],
    expect: {gap: 1s, never-after: s1, misdelivered: 0, duplicated: 0}}
- stream: {from: c1, to: A, family: 4, interval: 1ms, before: 100ms, after: 200ms,
    during: [{revive: s1}], expect: {ends-at: s2}}
- stream: {from: [c1], to: A, interval: 1ms, during: [{kill: s2}, {kill: c1}]}
- stream: {from: c1, to: A}
"""


@pytest.mark.realtime
def test_real_streams_are_judged_and_what_is_not_possible_now_is_a_failure(
    leak_guard: None, tmp_path: Path
) -> None:
    verdict = run(REAL, tmp_path)
    assert verdict.error is None
    good, wrong, cut_off, impossible = verdict.steps
    assert good.outcome.differences == ()
    assert "s1 → s2 (2)" in good.outcome.seen
    assert good.as_json()["stream"]["faults"][0]["fault"] == "kill: s1"
    assert wrong.outcome.differences == ("c1 → A, IPv4: expected to end at s2, ended at s1",)
    assert cut_off.outcome.differences == ()
    assert impossible.outcome.differences == ("client 'c1' is dead and cannot probe",)
