"""Internet checksums, compared with Scapy's."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP, IPOption_LSRR, IPOption_NOP
from scapy.layers.inet6 import IPv6
from scapy.packet import Packet
from scapy.utils import checksum as scapys

from anycastlab.kernel.checksum import checksum, completed

BODIES = st.binary(max_size=100)
V4, V6 = IP(src="10.0.0.1", dst="192.0.2.1"), IPv6(src="2001:db8::1", dst="2001:db8::2")


@given(BODIES)
def test_it_is_the_checksum_scapy_computes(data: bytes) -> None:
    assert checksum(data) == scapys(data)


def unfinished(packet: bytes, at: int, destination: bytes = b"") -> bytes:
    """Put the pseudo-header's sum in the field, as a kernel does for its hardware."""
    blank = packet[:at] + bytes(2) + packet[at + 2 :]
    version4 = packet[0] >> 4 == 4
    upper = (packet[0] & 15) * 4 if version4 else 40
    ends = packet[12:16] + (destination or packet[16:20]) if version4 else packet[8:40]
    protocol = packet[9] if version4 else packet[6]
    pseudo = ends + bytes((0, protocol)) + (len(packet) - upper).to_bytes(2, "big")
    return blank[:at] + (checksum(pseudo) ^ 0xFFFF).to_bytes(2, "big") + blank[at + 2 :]


@pytest.mark.parametrize(
    ("packet", "at"),
    [(V4 / TCP(), 36), (V4 / UDP(), 26), (V6 / TCP(), 56), (V6 / UDP(), 46)],
    ids=["tcp4", "udp4", "tcp6", "udp6"],
)
@given(body=BODIES)
def test_what_was_left_undone_is_finished_and_nothing_else(
    packet: Packet, at: int, body: bytes
) -> None:
    whole = bytes(packet / body)
    assert completed(unfinished(whole, at)) == whole
    assert completed(whole) == whole


@pytest.mark.parametrize(("pointer", "ends_at"), [(4, "192.0.2.9"), (8, "192.0.2.1")])
@given(body=BODIES)
def test_a_source_route_counts_until_it_has_been_followed(
    pointer: int, ends_at: str, body: bytes
) -> None:
    route = [IPOption_NOP(), IPOption_LSRR(routers=["192.0.2.9"], pointer=pointer)]
    header = IP(src="10.0.0.1", dst="192.0.2.1", options=route)
    destination = socket.inet_aton(ends_at)
    packet = bytes(header / TCP(chksum=0) / body)
    pseudo = packet[12:16] + destination + bytes((0, 6)) + (20 + len(body)).to_bytes(2, "big")
    told = checksum(pseudo + packet[28:]).to_bytes(2, "big")
    whole = packet[:44] + told + packet[46:]
    assert completed(unfinished(whole, 44, destination)) == whole
    assert completed(whole) == whole


@given(options=st.binary(max_size=40), body=BODIES)
def test_no_options_are_too_strange(options: bytes, body: bytes) -> None:
    head = bytes((0x40 | (20 + len(options)) // 4,)) + bytes(8) + b"\x06" + bytes(10)
    completed(head + options + body)


@pytest.mark.parametrize(
    "packet",
    [
        bytes(V4 / TCP(chksum=0x1234)),
        bytes(IP(frag=8) / TCP(chksum=0x1234)),
        bytes(V4 / TCP())[:30],
        bytes(V6)[:20],
        b"",
    ],
)
def test_a_wrong_checksum_or_half_a_packet_stays_as_it_is(packet: bytes) -> None:
    assert completed(packet) == packet
