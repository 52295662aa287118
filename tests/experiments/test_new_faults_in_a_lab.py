"""Faults beyond kill and cut in real labs: what they leave, and how long they take."""

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
from anycastlab.experiments.member_faults import Drain
from anycastlab.lab.handle import Lab
from anycastlab.probing.prober import Prober
from tests.experiments.networks import FIGURE1

NAME = f"faults-{os.getpid()}"


@pytest.fixture
def lab(tmp_path: Path, leak_guard: None) -> Iterator[Lab]:
    """Return figure 1, up."""
    file = tmp_path / "figure1.yaml"
    file.write_text(FIGURE1)
    with Lab.up(file, name=NAME) as running:
        yield running


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
