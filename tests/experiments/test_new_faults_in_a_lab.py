"""Faults beyond kill and cut in real labs: what packets show, and a wrong expectation failing."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from anycastlab.components.identity_wire import IDENTITY_PORT
from anycastlab.experiments.flap_fault import Flap
from anycastlab.experiments.link_faults import Cut
from anycastlab.experiments.load import load_checked
from anycastlab.experiments.member_faults import Drain
from anycastlab.experiments.runner import Runner
from anycastlab.experiments.verdict import Verdict
from anycastlab.lab.handle import Lab
from anycastlab.probing.prober import Prober
from anycastlab.topology.load import Document
from tests.experiments.networks import FIGURE1, written

NAME = f"faults-{os.getpid()}"


@pytest.fixture
def lab(tmp_path: Path, leak_guard: None) -> Iterator[Lab]:
    """Return figure 1, up."""
    file = tmp_path / "figure1.yaml"
    file.write_text(FIGURE1)
    with Lab.up(file, name=NAME) as running:
        yield running


def verdict_of(experiment: str, folder: Path) -> Verdict:
    """Run an experiment for real, under a name of its own."""
    file = folder / "lab.yaml"
    file.write_text(written(experiment))

    def bring_up(loaded: Document) -> Lab:
        return Lab.launch(loaded.network, file, NAME)

    return Runner(bring_up, Prober, lambda _event: None).run(load_checked(file))


REAL = [
    ("blackhole: {link: [s1, r1]}", "instance: none", "instance: s1"),
    ("blackhole: {node: s1, way: in}", "instance: none", "instance: s2"),
    ("impair: {link: [s1, r1], loss: 100%}", "instance: none", "instance: s1"),
    ("withdraw: s1", "instance: s2", "instance: s1"),
    ("withdraw: {member: s1, order: withdraw-first}", "instance: s2", "instance: s1"),
    ("withdraw: {member: s1, order: stop-first}", "instance: s2", "never: s2"),
    ("drain: {member: s1, within: 1s}", "instance: s2", "instance: s1"),
    ("stop-service: s1", "instance: s1, protocol: icmp", "instance: s1, protocol: udp"),
    (
        "flap: {fault: {withdraw: s1}, period: 20ms, count: 3}",
        "instance: s1",
        "instance: s2",
    ),
]


@pytest.mark.parametrize(("strike", "right", "wrong"), REAL)
def test_what_a_fault_does_is_seen_and_a_wrong_expectation_of_it_fails(
    strike: str, right: str, wrong: str, tmp_path: Path
) -> None:
    steps = [
        "expect: {from: c1, to: A, instance: s1}",
        strike,
        f"expect: {{from: c1, to: A, {right}}}",
        f"expect: {{from: c1, to: A, {wrong}}}",
        "expect: {from: c2, to: A, instance: s2}",
    ]
    verdict = verdict_of("\n".join(f"- {step}" for step in steps), tmp_path)
    assert verdict.error is None
    assert [step.ok for step in verdict.steps] == [True, True, True, False, True]


@pytest.mark.parametrize(
    ("before", "mistake", "message"),
    [
        ("blackhole: {node: s1}", "blackhole: {node: s1}", "a black hole already"),
        ("kill: s2", "clear: {node: s1}", "is no black hole"),
        ("impair: {link: [r1, r2], delay: 1ms}", "restore: [s1, r1]", "is as written"),
        ("withdraw: s1", "withdraw: s1", "has withdrawn already"),
        ("withdraw: s1", "announce: s2", "has not withdrawn"),
        ("stop-service: s1", "stop-service: s1", "runs no service"),
        ("stop-service: s1", "stop-service: {node: s2, service: http}", "runs no http"),
        ("kill: s1", "start-service: s1", "'s1' is dead"),
        ("stop-service: s1", "start-service: s2", "no service that was stopped"),
    ],
)
def test_what_makes_no_sense_now_fails_its_step(
    before: str, mistake: str, message: str, tmp_path: Path
) -> None:
    verdict = verdict_of(f"- {before}\n- {mistake}", tmp_path)
    first, second = verdict.steps
    assert first.ok
    assert message in second.outcome.differences[0]


def test_a_stopped_service_is_received_and_not_answered_until_it_is_started(lab: Lab) -> None:
    with Prober(lab) as prober:
        lab.stop_service("s1")
        assert lab.status()["nodes"]["s1"]["services"] == []
        for one in prober.catchment(clients=["c1"], timeout=0.2):
            assert one.received_by == ("s1",)
            assert (one.answered_by == "s1") == (one.protocol == "icmp")
        lab.start_service("s1", "identity")
        assert all(one.ok for one in prober.catchment())


def test_a_revived_member_announces_and_serves_again(lab: Lab) -> None:
    lab.stop_service("s1")
    lab.withdraw("s1", "A")
    assert lab.state().withdrawn == {("A", "s1")}
    assert lab.predict()["c1", "A"] == ("s2",)
    lab.kill("s1")
    lab.revive("s1")
    assert lab.state().withdrawn == frozenset()
    with Prober(lab) as prober:
        assert all(one.answered_by for one in prober.catchment())


def test_a_drain_waits_for_connections_but_not_longer_than_told(lab: Lab) -> None:
    (address, *_) = lab.network.groups["A"].addresses
    with lab.socket("c1", socket.AF_INET, socket.SOCK_STREAM) as client:
        client.settimeout(5)
        client.connect((str(address), IDENTITY_PORT))
        costs = lab.state().costs
        begin = time.monotonic()
        Drain(member="s1", within=0.3).strike(lab)
        assert 0.3 <= time.monotonic() - begin < 1.5
    assert lab.state().withdrawn == {("A", "s1")}
    assert lab.predict()["c1", "A"] == ("s2",)
    assert {pair: cost for pair, cost in lab.state().costs.items() if cost != 1} == dict(costs)
    lab.announce("s1")
    begin = time.monotonic()
    Drain(member="s2", within=5.0).strike(lab)
    assert time.monotonic() - begin < 2.0


def test_a_flap_leaves_the_lab_as_it_was(lab: Lab) -> None:
    before = lab.state()
    Flap(fault=Cut(("s1", "r1")), period=0.04, count=5).strike(lab)
    assert lab.state() == before
    with Prober(lab) as prober:
        assert all(one.ok for one in prober.catchment())
