"""What is ready sends: the first packets after a fault or its repair are not lost."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from anycastlab.kernel import messages, namespace
from anycastlab.kernel.netlink import Netlink
from anycastlab.lab import readiness
from anycastlab.lab.handle import Lab
from tests.lab.conftest import unique
from tests.lab.impaired import LINE

PROTOCOL = 0x88B5  # for experiments (IEEE 802): nobody else in the lab speaks it


@pytest.fixture
def lab(tmp_path: Path, leak_guard: None) -> Iterator[Lab]:
    """Return a line of two routers, up."""
    file = tmp_path / "line.yaml"
    file.write_text(LINE.format(name=unique("ready"), slow="cost: 1"))
    with Lab.up(file) as running:
        yield running


def first_frames_arrive(lab: Lab) -> bool:
    """Send one frame each way between r1 and r2, at once."""
    pairs = [("r1", "to-r2"), ("r2", "to-r1")]
    frame = bytes(6) + b"\x02\0\0\0\0\1" + PROTOCOL.to_bytes(2, "big") + bytes(50)
    for (near, out), (far, into) in (pairs, pairs[::-1]):
        with (
            lab.socket(near, socket.AF_PACKET, socket.SOCK_RAW, 0) as sender,
            lab.socket(far, socket.AF_PACKET, socket.SOCK_RAW, 0) as receiver,
        ):
            receiver.bind((into, PROTOCOL))
            receiver.settimeout(0.5)
            sender.bind((out, 0))
            sender.send(frame)
            try:
                receiver.recv(100)
            except TimeoutError:
                return False
    return True


def test_a_mended_link_carries_the_first_frame(lab: Lab) -> None:
    for _ in range(30):
        lab.cut("r1", "r2")
        lab.mend("r1", "r2")
        assert first_frames_arrive(lab)


def test_a_revived_node_sends_and_receives_the_first_frame(lab: Lab) -> None:
    for _ in range(20):
        lab.kill("r2")
        lab.revive("r2")
        assert first_frames_arrive(lab)


def test_an_interface_without_a_carrier_is_waited_for_and_named(lab: Lab) -> None:
    place, peer = lab.namespace("r1"), lab.namespace("r2")
    link = lab.network.links[1]
    with Netlink(peer) as netlink:
        netlink.send([messages.link_down(link.b.index)])
    assert readiness.wait(place, 0.0) == ("interface 'to-r2' has no carrier, or does not send yet")
    assert readiness.wait(place, 0.0, lab.network.links[0].b.index) == ""
    with Netlink(peer) as netlink:
        netlink.send([messages.link_up(link.b.index)])
    assert readiness.wait(place, time.monotonic() + 5, link.a.index) == ""


def test_an_interface_that_is_not_there_is_not_waited_for() -> None:
    place = namespace.own()
    try:
        assert readiness.wait(place, 0.0, 999_999) == ""
    finally:
        os.close(place)


def test_an_ipv6_address_is_ready_when_what_is_sent_to_it_is_taken_in(lab: Lab) -> None:
    place, own = lab.namespace("r1"), lab.network.nodes["r1"].ipv6
    assert readiness.wait(place, 0.0, address=own) == ""
    with lab.inside("r1"):
        command = ["ip", "-6", "route", "del", "local", str(own), "table", "local"]
        subprocess.run(command, check=True)
        told = readiness.wait(place, 0.0, address=own)
        assert told == f"what is sent to {own} is not taken in yet"
        adding = subprocess.Popen(
            f"read go; ip -6 route add local {own} dev lo table local", shell=True, stdin=-1
        )
    with adding, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(readiness.wait, place, time.monotonic() + 10, address=own)
        adding.communicate(b"\n")
        assert waiting.result() == ""


def test_an_address_of_somebody_else_is_never_ready(lab: Lab) -> None:
    place, other = lab.namespace("r1"), lab.network.nodes["r2"].ipv6
    assert readiness.wait(place, 0.0, address=other) != ""
