"""Who received and who answered is recorded, also when the two differ, or there are several."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from anycastlab.components.identity_wire import IDENTITY_PORT, answer
from anycastlab.errors import UsageError
from anycastlab.lab.handle import Lab
from anycastlab.probing.prober import Prober
from tests.lab.conftest import unique

TOPOLOGY = """\
nodes: {r1: router, r2: router, c1: client, c2: client, s1: server, s2: server}
links:
  - [c1, r1]
  - [s1, r1]
  - {endpoints: [r1, r2], cost: 5}
  - [s2, r2]
  - [c2, r2]
anycast: {A: {addresses: [192.0.2.1, "2001:db8:a::1"], members: [s1, s2]}}
"""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    file = tmp_path / "truth.yaml"
    file.write_text(f"name: {unique('truth')}\n{TOPOLOGY}")
    with Lab.up(file) as running:
        yield running


@pytest.fixture
def prober(lab: Lab) -> Iterator[Prober]:
    with Prober(lab) as opened:
        yield opened


def nft(lab: Lab, node: str, rules: str) -> None:
    with lab.inside(node):
        subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)


@pytest.mark.parametrize("protocol", ["icmp", "tcp", "udp"])
def test_the_nearest_instance_receives_and_answers(prober: Prober, protocol: str) -> None:
    for client, instance in (("c1", "s1"), ("c2", "s2")):
        seen = prober.probe(client, "A", protocol=protocol)  # type: ignore[arg-type]
        assert [one.family for one in seen] == [4, 6]
        for one in seen:
            assert one.predicted == one.received_by == (instance,)
            assert one.answered_by == instance
            assert one.copies == 1
            assert one.ok
            assert one.rtt is not None
            assert 0 < one.rtt < 1


def test_a_packet_duplicated_on_the_way_is_seen_at_both_members(lab: Lab, prober: Prober) -> None:
    gateway = next(i for i in lab.network.nodes["r2"].interfaces if i.name == "to-r1").ipv4.ip
    nft(
        lab,
        "r1",
        "table ip copy { chain pre { type filter hook prerouting priority raw;\n"
        f"ip daddr 192.0.2.1 dup to {gateway} device to-r2\n}}\n}}\n",
    )
    (one,) = prober.probe("c1", "A", family=4, linger=0.2)
    assert one.received_by == ("s1", "s2")
    assert one.copies == 2
    assert not one.ok, "s2 was not predicted"
    (other,) = prober.probe("c1", "A", family=6, linger=0.2)
    assert (other.received_by, other.copies) == (("s1",), 1)


def answer_falsely(service: socket.socket) -> None:
    """Answer one request with another instance's name."""
    request, asker = service.recvfrom(2048)
    service.sendto(answer(request, "s2") or b"", asker)


def test_an_answer_that_names_another_than_received_it_is_visible(tmp_path: Path) -> None:
    file = tmp_path / "liar.yaml"
    elsewhere = TOPOLOGY.replace("s1: server", "s1: {role: server, run: [{identity: {port: 9}}]}")
    file.write_text(f"name: {unique('liar')}\n{elsewhere}")
    with (
        Lab.up(file) as lab,
        Prober(lab) as prober,
        lab.socket("s1", socket.AF_INET, socket.SOCK_DGRAM) as service,
    ):
        service.settimeout(10)
        service.bind(("192.0.2.1", IDENTITY_PORT))
        liar = Thread(target=answer_falsely, args=(service,))
        liar.start()
        (one,) = prober.probe("c1", "A", protocol="udp", family=4)
        liar.join()
    assert one.received_by == ("s1",)
    assert one.answered_by == "s2"
    assert not one.ok


def test_what_arrives_but_is_not_answered_is_received_all_the_same(
    lab: Lab, prober: Prober
) -> None:
    nft(
        lab,
        "s1",
        "table ip mute { chain out { type filter hook output priority 0;\n"
        "ip saddr 192.0.2.1 drop\n}\n}\n",
    )
    (one,) = prober.probe("c1", "A", family=4, timeout=0.2)
    assert (one.received_by, one.answered_by, one.rtt) == (("s1",), None, None)
    assert not one.ok


def test_an_answer_lost_on_the_way_back_is_no_answer(lab: Lab, prober: Prober) -> None:
    nft(
        lab,
        "r1",
        "table ip lose { chain pre { type filter hook prerouting priority raw;\n"
        "ip saddr 192.0.2.1 drop\n}\n}\n",
    )
    (one,) = prober.probe("c1", "A", family=4, timeout=0.2)
    assert one.received_by == ("s1",)
    assert one.answered_by is None


def test_nobody_receives_what_has_no_route(lab: Lab) -> None:
    lab.kill("s1")
    lab.kill("s2")
    with Prober(lab) as prober:
        seen = prober.catchment(timeout=0.2)
    assert len(seen) == 12
    for one in seen:
        assert (one.predicted, one.received_by, one.answered_by) == ((), (), None)
        assert one.ok, "unreachable as predicted"


def test_a_prober_that_is_open_sees_members_die_and_return(lab: Lab, prober: Prober) -> None:
    lab.kill("s1")
    assert {one.received_by for one in prober.probe("c1", "A")} == {("s2",)}
    lab.revive("s1")
    assert {one.received_by for one in prober.probe("c1", "A")} == {("s1",)}


def test_many_probes_in_one_pass_are_told_apart(prober: Prober) -> None:
    seen = prober.probe("c1", "A", count=200)
    assert len(seen) == 400
    assert all(one.copies == 1 and one.ok for one in seen)


def test_unknown_names_are_refused_with_the_nearest(prober: Prober) -> None:
    with pytest.raises(UsageError, match="did you mean"):
        prober.probe("c9", "A")
    with pytest.raises(UsageError, match="no group 'AA'"):
        prober.probe("c1", "AA")
    with pytest.raises(UsageError, match="s1"):
        prober.probe("s1", "A")
