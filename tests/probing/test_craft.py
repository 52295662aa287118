"""Patched packets are, byte for byte, what Scapy would have made."""

from __future__ import annotations

import ipaddress
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6

from anycastlab.components.identity_wire import IDENTITY_PORT, MAGIC
from anycastlab.kernel.outgoing import Outgoing, socket_address
from anycastlab.probing.craft import SYN_PORT, echo, syn, words
from anycastlab.probing.dialect import Dialect
from anycastlab.probing.echo import Echo
from anycastlab.probing.handshake import Handshake
from anycastlab.probing.identify import identify
from anycastlab.probing.request import Request

IDS = st.integers(0, 2**32 - 1)
PAIRS_4 = st.tuples(st.ip_addresses(v=4), st.ip_addresses(v=4))
PAIRS_6 = st.tuples(st.ip_addresses(v=6), st.ip_addresses(v=6))
Pair = tuple[ipaddress.IPv4Address, ipaddress.IPv4Address]
Pair6 = tuple[ipaddress.IPv6Address, ipaddress.IPv6Address]


def tcp(probe: int) -> TCP:
    return TCP(
        sport=SYN_PORT,
        dport=IDENTITY_PORT,
        flags="S",
        seq=probe,
        window=65535,
        options=[("MSS", 1220)],
    )


def ip(pair: Pair) -> IP:
    return IP(src=str(pair[0]), dst=str(pair[1]))


def ip6(pair: Pair6) -> IPv6:
    return IPv6(src=str(pair[0]), dst=str(pair[1]))


def total(pair: Pair | Pair6) -> int:
    return words(pair[0].packed + pair[1].packed)


@given(IDS, PAIRS_4)
def test_echoes_of_ipv4(probe: int, pair: Pair) -> None:
    data = MAGIC + struct.pack("!I", probe)
    whole = bytes(ip(pair) / ICMP(type=8, id=probe >> 16, seq=probe & 0xFFFF) / data)
    assert echo(4).fill(probe, total(pair)) == whole[20:]
    assert identify(whole.ljust(128, b"\0")) == (False, probe)


@given(IDS, PAIRS_6)
def test_echoes_of_ipv6(probe: int, pair: Pair6) -> None:
    data = MAGIC + struct.pack("!I", probe)
    request = ICMPv6EchoRequest(id=probe >> 16, seq=probe & 0xFFFF, data=data)
    whole = bytes(ip6(pair) / request)
    assert echo(6).fill(probe, total(pair)) == whole[40:]
    assert identify(whole.ljust(128, b"\0")) == (False, probe)


@given(IDS, PAIRS_4)
def test_syns_of_ipv4(probe: int, pair: Pair) -> None:
    whole = bytes(ip(pair) / tcp(probe))
    assert syn(4).fill(probe, total(pair)) == whole[20:]
    assert identify(whole.ljust(128, b"\0")) == (False, probe)


@given(IDS, PAIRS_6)
def test_syns_of_ipv6(probe: int, pair: Pair6) -> None:
    whole = bytes(ip6(pair) / tcp(probe))
    assert syn(6).fill(probe, total(pair)) == whole[40:]
    assert identify(whole.ljust(128, b"\0")) == (False, probe)


@given(st.sampled_from([Echo(4), Echo(6), Handshake(4), Handshake(6), Request(4)]), st.data())
def test_packets_made_together_are_those_made_one_by_one(
    dialect: Dialect, data: st.DataObject
) -> None:
    addresses = data.draw(st.lists(st.integers(0, 20 * 0xFFFF), min_size=1, max_size=5))
    first = data.draw(st.integers(0, 2**32 - len(addresses)))
    with socket.socket(type=socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        address, port = receiver.getsockname()
        to = socket_address(socket.inet_aton(address), port)
        outgoing = Outgoing([to] * len(addresses), dialect.blank)
        for start in (2**32 - len(addresses), first):  # what an earlier use left does not matter
            dialect.load(outgoing, start, addresses)
        assert outgoing.send(receiver.fileno(), 0, len(addresses)) == len(addresses)
        sent = [receiver.recv(128) for _ in addresses]
    assert sent == [dialect.packet(first + at, total) for at, total in enumerate(addresses)]


def test_other_addresses_make_another_checksum() -> None:
    assert syn(4).fill(7, 1000) != syn(4).fill(7, 1001)
    assert echo(4).fill(7, 1000) == echo(4).fill(7, 1001), "ICMP has no pseudo header"


@pytest.mark.parametrize("probe", [0, 1, 2**32 - 1])
def test_a_reply_to_a_syn_is_known_by_what_it_acknowledges(probe: int) -> None:
    head = IP(src="192.0.2.1", dst="10.0.0.1")
    back = {"sport": IDENTITY_PORT, "dport": SYN_PORT, "ack": (probe + 1) % 2**32}
    for flags in ("SA", "RA"):
        packet = bytes(head / TCP(flags=flags, **back)).ljust(128, b"\0")
        assert identify(packet) == (True, probe)
    stranger = bytes(head / TCP(flags="SA", **{**back, "dport": 40000})).ljust(128, b"\0")
    assert identify(stranger) is None


def test_the_syn_of_a_session_is_known_by_its_addresses_and_port() -> None:
    packet = bytes(IP(src="10.0.0.1", dst="192.0.2.1") / TCP(sport=40000, dport=IDENTITY_PORT))
    flow = bytes([10, 0, 0, 1, 192, 0, 2, 1]) + (40000).to_bytes(2, "big")
    assert identify(packet.ljust(128, b"\0")) == (False, flow)
