"""An ICMP error about a SYN must not have the prober poll until its time is up."""

from __future__ import annotations

import subprocess

import pytest

from anycastlab.lab.handle import Lab
from anycastlab.probing import session
from anycastlab.probing.prober import Prober

pytestmark = pytest.mark.lab("topologies/figure1.yaml")


@pytest.fixture(autouse=True)
def a_loop(lab: Lab) -> None:
    """Let the client's router and the next one send what is for A to each other."""
    link = next(one for one in lab.network.links if {one.a.node, one.b.node} == {"r1", "r4"})
    for here, there in ((link.a, link.b), (link.b, link.a)):
        way = ["via", str(there.ipv4.ip), "dev", here.name]
        with lab.inside(here.node):
            subprocess.run(["ip", "route", "replace", "192.0.2.1", *way], check=True)


def readings(prober: Prober, monkeypatch: pytest.MonkeyPatch, timeout: float) -> int:
    """How often a session that nobody answers is read in the time it is waited for."""
    count, real = 0, session.Session.collect

    def counting(self: session.Session) -> None:
        nonlocal count
        count += 1
        real(self)

    monkeypatch.setattr(session.Session, "collect", counting)
    (seen,) = prober.probe("c1", "A", protocol="tcp", family=4, timeout=timeout)
    assert seen.received_by == ()
    return count


def test_an_error_about_a_syn_is_read_and_then_there_is_quiet(
    prober: Prober, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 1 <= readings(prober, monkeypatch, 0.2) < 10


def test_left_unread_it_would_be_polled_for_ever(
    prober: Prober, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "forget_errors", lambda _sock: None)
    assert readings(prober, monkeypatch, 2.0) > 100
