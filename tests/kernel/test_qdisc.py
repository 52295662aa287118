"""netem and black holes, on real interfaces."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from anycastlab.kernel import messages, namespace, qdisc
from anycastlab.kernel.netlink import Netlink, NetlinkError
from anycastlab.topology.network import Impairment

Make = Callable[[], int]
MAC = b"\x02\x00\x00\x00\x00"


@pytest.fixture
def pair(make_namespace: Make) -> tuple[int, int]:
    a, b = make_namespace(), make_namespace()
    with Netlink(a) as netlink:
        ends = (10, "to-b", MAC + b"\x0a", a), (11, "to-a", MAC + b"\x0b", b)
        netlink.send([messages.veth(*ends), *configured(10, 11, 1, 2)])
    with Netlink(b) as netlink:
        netlink.send(configured(11, 10, 2, 1))
    return a, b


def configured(index: int, far: int, own: int, other: int) -> list[bytes]:
    return [
        messages.link_up(messages.LOOPBACK),
        messages.link_up(index),
        messages.address(index, bytes((10, 0, 0, own)), 24),
        messages.neighbour(index, bytes((10, 0, 0, other)), MAC + bytes((far,))),
    ]


def send(place: int, batch: list[bytes]) -> None:
    with Netlink(place) as netlink:
        netlink.send(batch)


def tc(place: int, *words: str) -> Any:
    with namespace.inside(place):
        done = subprocess.run(["tc", "-j", *words], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def udp(place: int, own: int) -> socket.socket:
    end = namespace.open_socket(place, socket.AF_INET, socket.SOCK_DGRAM)
    end.setsockopt(socket.IPPROTO_IP, 11, 1)  # IP_RECVERR: a local drop would be an error
    end.bind((f"10.0.0.{own}", 7000))
    end.settimeout(0.1)
    return end


def test_packets_vanish_and_the_sender_is_not_told(pair: tuple[int, int]) -> None:
    a, b = pair
    send(a, qdisc.swallow(10))
    tap = namespace.open_socket(b, socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    tap.settimeout(0.1)
    with udp(a, 1) as near, udp(b, 2) as far, tap:
        for _ in range(3):
            assert near.sendto(b"x", ("10.0.0.2", 7000)) == 1
        with pytest.raises(TimeoutError):
            far.recv(100)
        with pytest.raises(TimeoutError):
            while True:
                assert tap.recv(2000)[12:14] != b"\x08\x00"
        far.sendto(b"y", ("10.0.0.1", 7000))
        assert near.recv(100) == b"y"
        send(a, [qdisc.swallow_no_more(10)])
        near.sendto(b"z", ("10.0.0.2", 7000))
        assert far.recv(100) == b"z"


def test_a_black_hole_keeps_the_carrier_and_is_not_dug_twice(pair: tuple[int, int]) -> None:
    a, _ = pair
    send(a, qdisc.swallow(10))
    with namespace.inside(a):
        shown = subprocess.run(["ip", "link", "show", "to-b"], check=True, capture_output=True)
    assert b"LOWER_UP" in shown.stdout
    with pytest.raises(NetlinkError):
        send(a, qdisc.swallow(10))


def test_trying_netem_leaves_nothing_behind_and_agrees_with_tc(make_namespace: Make) -> None:
    place = make_namespace()
    works = qdisc.has_netem(place)
    with namespace.inside(place):
        by_hand = subprocess.run(
            ["tc", "qdisc", "add", "dev", "lo", "root", "netem"], capture_output=True, check=False
        )
    assert works == (by_hand.returncode == 0)


def test_a_link_with_a_rate_has_room_for_a_queue_and_what_is_under_way() -> None:
    assert qdisc.room(Impairment(delay=10.0)) == 1_000_000
    assert qdisc.room(Impairment(rate=10_000_000)) == 1000
    assert qdisc.room(Impairment(rate=512_000, delay=0.25, jitter=0.25)) == 1500


def test_netem_does_what_was_asked_for(pair: tuple[int, int]) -> None:
    a, _ = pair
    if not qdisc.has_netem(a):
        pytest.skip("this kernel has no netem")
    asked = Impairment(0.010, 0.002, 0.05, 10_000_000, 0.01, 0.25)
    send(a, [qdisc.netem(10, asked)])
    (found,) = [one for one in tc(a, "qdisc", "show", "dev", "to-b") if one["kind"] == "netem"]
    options = found["options"]
    assert options["delay"] == pytest.approx({"delay": 0.010, "jitter": 0.002, "correlation": 0})
    assert options["loss-random"]["loss"] == pytest.approx(0.05)
    assert options["duplicate"]["duplicate"] == pytest.approx(0.01)
    assert options["reorder"]["reorder"] == pytest.approx(0.25)
    assert options["rate"]["rate"] == 1_250_000
    send(a, [qdisc.netem(10, Impairment(delay=0.001))])
    (found,) = [one for one in tc(a, "qdisc", "show", "dev", "to-b") if one["kind"] == "netem"]
    assert found["options"]["delay"]["delay"] == pytest.approx(0.001)
    assert "loss-random" not in found["options"]
    send(a, [qdisc.no_netem(10)])
    assert not [one for one in tc(a, "qdisc", "show", "dev", "to-b") if one["kind"] == "netem"]
