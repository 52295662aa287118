"""The prober at its limits: crafted handshakes, errors, SYNs sent again, packets that were lost."""

from __future__ import annotations

import socket
import subprocess
import time

import pytest

from anycastlab.components.identity_wire import IDENTITY_PORT
from anycastlab.errors import HostError
from anycastlab.kernel.packet import Tap
from anycastlab.lab.handle import Lab
from anycastlab.probing import dialect, taps
from anycastlab.probing.prober import Prober
from anycastlab.probing.taps import LostPacketsError

pytestmark = pytest.mark.lab("topologies/figure1.yaml")


def run(lab: Lab, node: str, *command: str) -> None:
    with lab.inside(node):
        subprocess.run(command, check=True)


def test_crafted_handshakes_find_the_instances_that_sessions_find(prober: Prober) -> None:
    crafted = prober.catchment(protocols=["syn"])
    real = prober.catchment(protocols=["tcp"])
    assert [one.protocol for one in crafted] == ["tcp"] * 8
    assert all(one.ok and one.copies == 1 for one in crafted)
    assert [one.received_by for one in crafted] == [one.received_by for one in real]
    assert [one.answered_by for one in crafted] == [one.answered_by for one in real]


def test_a_crafted_handshake_leaves_nothing_half_open(lab: Lab, prober: Prober) -> None:
    prober.probe("c1", "A", protocol="syn", count=20)
    with lab.inside("s1"):
        listed = ["ss", "-Htan", "state", "syn-recv"]
        done = subprocess.run(listed, capture_output=True, text=True, check=True)
    assert done.stdout == ""


@pytest.mark.parametrize("protocol", ["icmp", "udp", "tcp", "syn"])
def test_an_unreachable_message_ends_the_waiting(lab: Lab, prober: Prober, protocol: str) -> None:
    prober.probe("c1", "A")
    for address in ("192.0.2.1/32", "2001:db8:a::1/128"):
        run(lab, "r1", "ip", "route", "replace", "unreachable", address)
    began = time.monotonic()
    seen = prober.probe("c1", "A", protocol=protocol, timeout=30)  # type: ignore[arg-type]
    assert time.monotonic() - began < 15
    assert [(one.received_by, one.answered_by, one.rtt) for one in seen] == [((), None, None)] * 2
    assert not any(one.ok for one in seen), "s1 was predicted"


def test_an_answer_that_bears_no_time_stamp_is_an_answer(
    prober: Prober, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialect, "stamp_both_ways", lambda _: None)
    seen = prober.probe("c1", "A", timeout=5)
    assert [(one.received_by, one.answered_by, one.rtt) for one in seen] == [
        (("s1",), "s1", None)
    ] * 2


def test_silence_costs_the_timeout_once(lab: Lab, prober: Prober) -> None:
    run(lab, "r1", "ip", "route", "replace", "blackhole", "192.0.2.1/32")
    began = time.monotonic()
    seen = prober.probe("c1", "A", family=4, count=50, timeout=0.2)
    assert 0.2 <= time.monotonic() - began < 2
    assert {one.received_by for one in seen} == {()}


def test_without_a_route_the_client_itself_ends_the_waiting(lab: Lab, prober: Prober) -> None:
    run(lab, "c1", "ip", "route", "flush", "table", "main")
    began = time.monotonic()
    seen = prober.catchment(["c1", "c2"], families=[4], timeout=30)
    assert time.monotonic() - began < 15
    assert [one.ok for one in seen] == [False] * 3 + [True] * 3


def test_a_dead_client_is_no_error(lab: Lab, prober: Prober) -> None:
    lab.kill("c1")
    seen = prober.catchment(timeout=5)
    assert {one.answered_by for one in seen if one.client == "c1"} == {None}
    assert all(one.ok for one in seen if one.client != "c1")


def test_a_syn_the_kernel_sends_again_is_one_packet(lab: Lab, prober: Prober) -> None:
    """The server drops the first SYN it gets; after a second the client's kernel tries again."""
    rules = (
        "table ip once { chain in { type filter hook input priority 0;\n"
        f"tcp dport {IDENTITY_PORT} tcp flags == syn limit rate 1/hour burst 1 packets drop\n"
        "}\n}\n"
    )
    with lab.inside("s1"):
        subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)
    (one,) = prober.probe("c1", "A", protocol="tcp", family=4, timeout=10)
    (recorded,) = [log for log in prober._taps.recordings.values() if log.sessions]
    assert len(recorded.sessions) >= 2, "the SYN was sent again"
    assert (one.received_by, one.answered_by, one.copies) == (("s1",), "s1", 1)


def test_a_tap_that_cannot_keep_up_raises_and_never_reports_nothing_received(
    lab: Lab, prober: Prober, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taps, "_DRAIN_AT_MOST", 1 << 20)
    monkeypatch.setattr(Tap, "capacity", property(lambda _: 1 << 22))
    assert len(prober.probe("c1", "A", family=4, count=3000)) == 3000

    def opened_small(sock: socket.socket, *arguments: object, **options: object) -> Tap:
        return Tap(sock, *arguments, **options, buffer=1)  # type: ignore[arg-type]

    monkeypatch.setattr(taps, "Tap", opened_small)
    with Prober(lab) as small, pytest.raises(LostPacketsError, match="lost packets in s1") as lost:
        small.probe("c1", "A", family=4, count=3000)
    assert isinstance(lost.value, HostError)
    assert lost.value.lost > 0


def test_two_probers_at_once_do_not_count_each_other(lab: Lab, prober: Prober) -> None:
    with Prober(lab) as other:
        for _ in range(3):
            for one in (*prober.catchment(), *other.catchment()):
                assert one.ok
                assert one.copies == 1


def test_a_lab_watched_by_a_prober_dies_all_the_same(lab: Lab, prober: Prober) -> None:
    prober.catchment()
    lab.kill("s1")
    seen = prober.probe("c1", "A", protocol="tcp")
    assert {one.answered_by for one in seen} == {"s2"}
