"""Packet Too Big told to all members: what counts as one, who is believed, how much at most."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP
from scapy.layers.inet6 import ICMPv6PacketTooBig, IPv6
from scapy.packet import Packet, Raw

from anycastlab.components.ptb_broadcast import PORT, is_too_big, mended
from anycastlab.lab.handle import Lab
from tests.lab.conftest import unique
from tests.lab.impaired import eventually

TOPOLOGY = """\
nodes:
  r1: router
  c1: client
  s1: {role: server, run: [{ptb-broadcast: {most: 5}}]}
  s2: {role: server, run: [ptb-broadcast]}
links: [[c1, r1], [s1, r1], {endpoints: [s2, r1], cost: 5}]
anycast: {A: {addresses: [192.0.2.1, "2001:db8:a::1"], members: [s1, s2]}}
"""
A4, A6 = "192.0.2.1", "2001:db8:a::1"
SERVICES = frozenset((socket.inet_aton(A4), socket.inet_pton(socket.AF_INET6, A6)))
QUOTED4 = bytes(IP(src=A4, dst="10.9.9.9") / TCP(sport=80) / Raw(bytes(600)))
QUOTED6 = bytes(IPv6(src=A6, dst="2001:db8::9") / TCP(sport=80) / Raw(bytes(600)))
TOO_BIG4 = IP(src="10.0.0.1", dst=A4) / ICMP(type=3, code=4, nexthopmtu=1300) / Raw(QUOTED4)
TOO_BIG6 = IPv6(src="2001:db8::1", dst=A6) / ICMPv6PacketTooBig(mtu=1300) / Raw(QUOTED6)


@pytest.mark.parametrize("packet", [TOO_BIG4, TOO_BIG6], ids=["IPv4", "IPv6"])
def test_a_complaint_about_a_service_address_is_told_and_what_is_left_of_it_is_sound(
    packet: Packet,
) -> None:
    assert is_too_big(bytes(packet), SERVICES)
    short = mended(bytes(packet)[:500])
    layer = IP(short) if short[0] >> 4 == 4 else IPv6(short)
    again = layer.copy()
    for each in (again, again.payload):
        for field in ("chksum", "cksum", "len", "plen"):
            if field in each.fields:
                delattr(each, field)
    inner = ICMP if short[0] >> 4 == 4 else ICMPv6PacketTooBig
    told, computed = layer[inner], type(layer)(bytes(again))[inner]
    assert told.fields == computed.fields


@pytest.mark.parametrize(
    "packet",
    [
        bytes(IP(dst="192.0.2.9") / ICMP(type=3, code=4) / Raw(QUOTED4)),
        bytes(IP(dst=A4) / ICMP(type=3, code=3) / Raw(QUOTED4)),
        bytes(IP(dst=A4) / TCP() / Raw(QUOTED4)),
        bytes(TOO_BIG4)[:40],
        b"",
    ],
    ids=["another's", "port unreachable", "TCP", "cut short", "nothing"],
)
def test_what_is_no_such_complaint_is_not_told(packet: bytes) -> None:
    assert not is_too_big(packet, SERVICES)


@given(st.binary(max_size=80))
def test_no_bytes_are_too_strange(packet: bytes) -> None:
    assert is_too_big(packet, SERVICES) in (True, False)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    file: Path = tmp_path_factory.mktemp("ptb") / "lab.yaml"
    file.write_text(f"name: {unique('ptb')}\n{TOPOLOGY}")
    with Lab.up(file) as running:
        yield running


def counts(lab: Lab, node: str) -> dict[str, int]:
    told: dict[str, int] = lab.show(node)["ptb-broadcast"]
    return told


def test_members_hand_on_what_routers_say_but_no_more_than_they_may(lab: Lab) -> None:
    with lab.socket("r1", socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as router:
        for _ in range(40):
            router.sendto(bytes(TOO_BIG4), (A4, 0))
    assert eventually(lambda: sum(counts(lab, "s1").values()) == 40)
    told = counts(lab, "s1")
    assert 5 <= told["handed_on"] <= 10
    assert told["policed"] == 40 - told["handed_on"]
    assert eventually(lambda: counts(lab, "s2")["taken_over"] == told["handed_on"])
    assert counts(lab, "s2")["handed_on"] == 0


def test_nobody_but_a_member_is_believed(lab: Lab) -> None:
    before = counts(lab, "s2")["taken_over"]
    target = str(lab.network.nodes["s2"].ipv4)
    for node in ("c1", "s1"):
        with lab.socket(node, socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(bytes(TOO_BIG4), (target, PORT))
            sender.sendto(b"nonsense", (target, PORT))
    assert eventually(lambda: counts(lab, "s2")["taken_over"] == before + 1)
