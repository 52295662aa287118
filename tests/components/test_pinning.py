"""The pinning option: its layout, what is malformed or foreign, what the wire shows."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption, IPOption_LSRR, IPOption_NOP
from scapy.packet import Raw

from anycastlab.components.identity_wire import IDENTITY_PORT
from anycastlab.components.pinning_endpoint import PinningEndpoint
from anycastlab.components.pinning_errors import retold
from anycastlab.components.pinning_wire import HEAD, pin_of, pinned, unpinned
from anycastlab.kernel.checksum import checksum
from anycastlab.lab.handle import Lab
from anycastlab.probing.capture import Recording
from tests.components.tshark import found_by_tshark
from tests.lab.conftest import unique
from tests.lab.impaired import eventually

U = IPv4Address("10.255.0.5")
PLAIN = IP(src="10.0.0.1", dst="192.0.2.1", id=7) / TCP(sport=1000, dport=80) / Raw(b"data")
TOPOLOGY = """\
nodes:
  r1: {role: router, run: [pinning-router]}
  c1: {role: client, run: [{pinning-endpoint: {most: 100}}]}
  c2: client
  s1: {role: server, run: [pinning-endpoint]}
  s2: {role: server, run: [pinning-endpoint]}
links: [[c1, r1], [c2, r1], {endpoints: [r1, s1], mtu: 1400}, {endpoints: [r1, s2], cost: 5}]
anycast: {A: {addresses: [192.0.2.1], members: [s1, s2]}}
"""
SERVICE = "192.0.2.1"


@given(st.binary(max_size=200))
def test_a_pinned_packet_is_the_same_but_for_the_option(body: bytes) -> None:
    packet = bytes(IP(src="10.0.0.1", dst="192.0.2.1", id=7) / TCP() / Raw(body))
    marked = pinned(packet, U)
    assert pin_of(marked) == U
    assert pin_of(packet) is None
    read = IP(marked)
    assert (read.ihl, read.len, len(marked)) == (7, len(packet) + 8, len(packet) + 8)
    assert marked[28:] == packet[20:]
    computed = read.chksum
    del read.chksum
    assert IP(bytes(read)).chksum == computed


@given(st.binary(max_size=200))
def test_the_option_can_be_taken_off_again(body: bytes) -> None:
    packet = bytes(PLAIN / Raw(body))
    assert unpinned(pinned(packet, U)) == packet
    assert unpinned(packet) is None


def test_a_header_without_room_stays_as_it_is() -> None:
    full = bytes(IP(options=[IPOption_NOP()] * 40) / TCP())
    assert pinned(full, U) == full


@pytest.mark.parametrize(
    "options",
    [
        IPOption(HEAD[:2] + b"\2\0" + U.packed),
        IPOption(b"\x9e\x06\1\0\n\n"),
        IPOption_LSRR(routers=["10.255.0.5"]),
    ],
    ids=["another version", "a wrong length", "another option"],
)
def test_what_is_no_sound_option_pins_nothing(options: IPOption) -> None:
    assert pin_of(bytes(IP(options=options) / TCP())) is None


@given(st.binary(max_size=40))
def test_no_options_are_too_strange(options: bytes) -> None:
    header = bytes((0x40 | (20 + len(options) // 4 * 4) // 4,)) + bytes(19)
    found = pin_of(header + options)
    assert found is None or HEAD + found.packed in options


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    file: Path = tmp_path_factory.mktemp("pinning") / "lab.yaml"
    file.write_text(f"name: {unique('pinning')}\n{TOPOLOGY}")
    with Lab.up(file) as running:
        yield running


def own(lab: Lab, node: str) -> str:
    return str(lab.network.nodes[node].ipv4)


def test_every_packet_after_the_first_names_the_instance(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "r1.pcapng"
    recording = Recording(lab.socket("r1", socket.AF_PACKET, socket.SOCK_DGRAM), file)
    try:
        with lab.socket("c1", socket.AF_INET, socket.SOCK_STREAM) as client:
            client.settimeout(3)
            client.connect((SERVICE, IDENTITY_PORT))
            assert client.recv(100) == b"s1\n"
            client.sendall(b"hello")
            assert client.recv(100) == b"hello"
            (pin,) = lab.show("c1")["pinning-endpoint"]["pins"]
            assert pin == {
                "service": SERVICE,
                "local_port": client.getsockname()[1],
                "port": IDENTITY_PORT,
                "instance": own(lab, "s1"),
            }
        recording.take()
    finally:
        recording.close()
    sent = f"ip.dst == {SERVICE} && tcp"
    first = found_by_tshark(file, f"{sent} && tcp.flags == 0x0002", "ip.hdr_len")
    assert {tuple(each) for each in first} == {("20",)}
    later = found_by_tshark(file, f"{sent} && tcp.flags != 0x0002", "ip.hdr_len")
    with_option = found_by_tshark(file, f"{sent} && ip[20:4] == 9e:08:01:00", "ip.hdr_len")
    assert len(later) >= 4
    assert later == with_option
    assert (
        found_by_tshark(file, "ip.checksum.status == bad || tcp.checksum.status == bad", "ip.src")
        == []
    )
    assert lab.show("r1")["pinning-router"]["instances"][0]["packets"] > 0


def test_what_the_way_takes_is_learnt_with_room_for_the_option(lab: Lab) -> None:
    """The last link takes 1,400 bytes, of which the option needs 8."""
    before = lab.show("c1")["pinning-endpoint"]["icmp_errors_relayed"]
    with lab.socket("c1", socket.AF_INET, socket.SOCK_STREAM) as client:
        client.settimeout(3)
        client.connect((SERVICE, IDENTITY_PORT))
        assert client.recv(100) == b"s1\n"
        client.sendall(b"x" * 50_000)
        client.shutdown(socket.SHUT_WR)
        echoed = 0
        while data := client.recv(65536):
            echoed += len(data)
    assert echoed == 50_000
    assert lab.show("c1")["pinning-endpoint"]["icmp_errors_relayed"] > before


@pytest.mark.parametrize("kept", [None, 548])
def test_a_complaint_is_told_of_the_packet_as_the_kernel_knows_it(kept: int | None) -> None:
    sent = bytes(IP(src="10.0.0.1", dst=SERVICE) / TCP(sport=1000) / Raw(bytes(1400)))
    outer = IP(src="10.0.0.2", dst="10.0.0.1", id=7)
    told = retold(_too_big(outer, 1400, pinned(sent, U)[:kept]))
    assert told is not None
    read = IP(told)
    assert (read.src, read.dst, read[ICMP].nexthopmtu) == ("10.0.0.2", "10.0.0.1", 1392)
    assert told[28:] == sent[: None if kept is None else kept - 8]
    assert checksum(told[20:]) == 0
    assert retold(_too_big(outer, 1392, sent)) is None, "this one it understands by itself"
    unreachable = outer / ICMP(type=3, code=1) / Raw(pinned(sent, U))
    assert retold(bytes(unreachable)) is None


def _too_big(outer: IP, mtu: int, quoted: bytes) -> bytes:
    return bytes(outer / ICMP(type=3, code=4, nexthopmtu=mtu) / Raw(quoted))


@given(st.binary(max_size=100))
def test_no_complaint_is_too_strange(quoted: bytes) -> None:
    told = retold(bytes(IP() / ICMP(type=3, code=4, nexthopmtu=1300)) + quoted)
    assert told is None or quoted[20:24] == HEAD


def test_a_router_follows_the_way_to_the_instance(lab: Lab) -> None:
    (s1, _s2) = lab.show("r1")["pinning-router"]["instances"]
    assert s1["way"].endswith("dev to-s1")
    lab.cut("r1", "s1")
    assert eventually(lambda: _ways(lab)[0] == "")
    lab.mend("r1", "s1")
    assert eventually(lambda: _ways(lab)[0] == s1["way"])


@pytest.mark.parametrize(
    ("option", "node"),
    [
        (HEAD + bytes(IPv4Address("10.255.0.5").packed), "s2"),
        (HEAD + IPv4Address("203.0.113.9").packed, "s1"),
        (b"\x9e\x06\x01\x00" + b"\x0a\xff" + b"\x01\x01", "s1"),
        (b"\x9e\x08\x02\x00" + U.packed, "s1"),
    ],
    ids=["s2's", "a foreign address", "a wrong length", "another version"],
)
def test_a_router_follows_nothing_but_a_sound_option_of_a_member(
    lab: Lab, option: bytes, node: str
) -> None:
    """All else goes where the destination leads: to s1, the nearest."""
    assert own(lab, "s2") == str(U)
    with (
        lab.socket(node, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP) as there,
        lab.socket("c2", socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as sender,
    ):
        there.settimeout(3)
        header = IP(src=own(lab, "c2"), dst=SERVICE, options=IPOption(option))
        sender.sendto(bytes(header / UDP(dport=9) / Raw(b"who?")), (SERVICE, 0))
        packet = there.recv(200)
        while not packet.endswith(b"who?"):
            packet = there.recv(200)
    assert packet[20:28] == option


def test_an_endpoint_that_is_taken_out_leaves_nothing_and_connections_go_on_without(
    lab: Lab,
) -> None:
    with lab.socket("c1", socket.AF_INET, socket.SOCK_STREAM) as client:
        client.settimeout(3)
        client.connect((SERVICE, IDENTITY_PORT))
        assert client.recv(100) == b"s1\n"
        lab.stop_service("c1", "pinning-endpoint")
        try:
            with lab.inside("c1"):
                left = [
                    subprocess.run(words.split(), capture_output=True, check=True).stdout
                    for words in (
                        "nft list tables",
                        "ip link show type tun",
                        "ip rule show pref 158",
                    )
                ]
            assert left == [b"", b"", b""]
            client.sendall(b"hello")
            assert client.recv(100) == b"hello"
        finally:
            lab.start_service("c1", "pinning-endpoint")


def _ways(lab: Lab) -> list[str]:
    return [one["way"] for one in lab.show("r1")["pinning-router"]["instances"]]


@pytest.mark.parametrize(
    "option",
    [HEAD + IPv4Address("203.0.113.9").packed, HEAD[:2] + b"\2\0" + U.packed],
    ids=["a foreign address", "another version"],
)
def test_a_forged_answer_pins_nothing(lab: Lab, option: bytes) -> None:
    """A SYN-ACK for a connection that is being opened, with an option nobody should believe."""
    endpoint = PinningEndpoint()
    endpoint._known = frozenset((U,))
    key = (socket.inet_aton(SERVICE), (1000).to_bytes(2, "big") + (80).to_bytes(2, "big"))
    endpoint._most = 10
    endpoint._remember(key)
    answer = IP(src=SERVICE, dst="10.0.0.1", options=IPOption(option))
    endpoint._learn(bytes(answer / TCP(sport=80, dport=1000, flags="SA")), 28)
    assert endpoint.tell()["pins"] == []
    assert endpoint.tell()["refused_options"] == 1
    good = IP(src=SERVICE, dst="10.0.0.1", options=IPOption(HEAD + U.packed))
    endpoint._learn(bytes(good / TCP(sport=80, dport=1000, flags="SA")), 28)
    assert len(endpoint.tell()["pins"]) == 1


def test_connections_nobody_answers_do_not_push_out_those_that_live(lab: Lab) -> None:
    endpoint = PinningEndpoint()
    endpoint._known, endpoint._most = frozenset((U,)), 3
    service = socket.inet_aton(SERVICE)
    endpoint._remember((service, b"live"))
    endpoint._pins[service, b"live"] = U
    for number in range(100):
        endpoint._remember((service, number.to_bytes(4, "big")))
    assert len(endpoint._pins) == 3
    assert endpoint._pins[service, b"live"] == U
