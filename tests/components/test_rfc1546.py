"""The hand-over of RFC 1546: what the wire shows, the table, errors of routers, and attacks."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP, TCP

from anycastlab.components import rfc1546_errors as errors
from anycastlab.components.identity_wire import IDENTITY_PORT
from anycastlab.errors import ProgramError
from anycastlab.kernel.checksum import checksum
from anycastlab.lab.handle import Lab
from anycastlab.probing.capture import Recording
from anycastlab.topology.network import Address
from tests.components.tshark import found_by_tshark
from tests.lab.conftest import unique

TOPOLOGY = """\
nodes:
  r1: router
  r2: router
  c1: {role: client, run: [{rfc1546-client: {most: 1000}}]}
  c2: client
  s1: {role: server, run: [rfc1546-server, http]}
  s2: {role: server, run: [{rfc1546-server: {bound: [8080]}}]}
links:
  [[c1, r1], [c2, r1], {endpoints: [r1, r2], mtu: 1300}, [r2, s1], {endpoints: [r2, s2], cost: 5}]
anycast: {A: {addresses: [192.0.2.1, "2001:db8:a::1"], members: [s1, s2]}}
"""
SERVICE = {4: "192.0.2.1", 6: "2001:db8:a::1"}
FAMILIES: dict[int, socket.AddressFamily] = {4: socket.AF_INET, 6: socket.AF_INET6}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    file: Path = tmp_path_factory.mktemp("rfc1546") / "lab.yaml"
    file.write_text(f"name: {unique('rfc1546')}\n{TOPOLOGY}")
    with Lab.up(file) as running:
        yield running


def own(lab: Lab, node: str, family: int) -> str:
    found = lab.network.nodes[node]
    return str(found.ipv4 if family == 4 else found.ipv6)


def connect(lab: Lab, family: int, address: str | None = None, port: int = 0) -> socket.socket:
    client = lab.socket("c1", FAMILIES[family], socket.SOCK_STREAM)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    client.settimeout(3)
    client.bind(("", port))
    client.connect((address or SERVICE[family], IDENTITY_PORT))
    return client


def bindings(lab: Lab) -> list[dict[str, object]]:
    found: list[dict[str, object]] = lab.show("c1")["rfc1546-client"]["bindings"]
    return found


@pytest.mark.parametrize("family", [4, 6])
def test_the_wire_shows_the_service_address_in_the_first_syn_alone(
    lab: Lab, tmp_path: Path, family: int
) -> None:
    """Figure 2 of the article: SYN to A, SYN-ACK from U, and nothing after that with A."""
    file, ip = tmp_path / "r2.pcapng", "ip" if family == 4 else "ipv6"
    recorder = lab.socket("r2", socket.AF_PACKET, socket.SOCK_DGRAM)
    recording = Recording(recorder, file)
    try:
        with connect(lab, family) as client:
            assert client.recv(100) == b"s1\n"
            client.sendall(b"hello")
            assert client.recv(100) == b"hello"
        recording.take()
    finally:
        recording.close()
    service, instance = SERVICE[family], own(lab, "s1", family)
    with_service = found_by_tshark(file, f"tcp && {ip}.addr == {service}", f"{ip}.dst", "tcp.flags")
    assert with_service
    assert {tuple(each) for each in with_service} == {(service, "0x0002")}
    answers = found_by_tshark(file, "tcp.flags == 0x0012", f"{ip}.src")
    assert {tuple(each) for each in answers} == {(instance,)}
    data = found_by_tshark(file, "tcp.len > 0", f"{ip}.src", f"{ip}.dst")
    assert len(data) >= 3
    assert all(instance in each for each in data)
    assert found_by_tshark(file, "tcp.checksum.status == good", "tcp")
    assert found_by_tshark(file, "tcp.checksum.status == bad", "tcp") == []


@pytest.mark.parametrize("family", [4, 6])
def test_the_table_shows_the_binding_and_the_application_sees_only_the_service(
    lab: Lab, family: int
) -> None:
    with connect(lab, family) as client:
        assert client.getpeername()[0] == SERVICE[family]
        expected = {
            "service": SERVICE[family],
            "local_port": client.getsockname()[1],
            "port": IDENTITY_PORT,
            "instance": own(lab, "s1", family),
        }
        assert expected in bindings(lab)


def test_the_verb_prints_the_table_and_says_where_there_is_none(lab: Lab) -> None:
    def verb(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "anycastlab", "bindings", lab.name, *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    with connect(lab, 4) as client:
        port, instance = client.getsockname()[1], own(lab, "s1", 4)
        printed = [line.split() for line in verb("c1").stdout.splitlines()]
        assert printed[0] == ["local", "port", "asked", "bound", "to"]
        assert [str(port), SERVICE[4], "port", str(IDENTITY_PORT), instance] in printed
        listed = json.loads(verb("c1", "--json").stdout)
        assert [one["instance"] for one in listed if one["local_port"] == port] == [instance]
    without = verb("c2")
    assert (without.returncode, without.stdout) == (2, "")
    assert "c2" in without.stderr


@pytest.mark.parametrize("family", [4, 6])
def test_a_port_used_again_for_the_instance_itself_is_bound_no_more(lab: Lab, family: int) -> None:
    with connect(lab, family) as client:
        port = client.getsockname()[1]
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with connect(lab, family, own(lab, "s1", family), port) as again:
        assert again.recv(100) == b"s1\n"


@pytest.mark.parametrize("family", [4, 6])
def test_a_routers_complaint_of_a_bound_packet_reaches_the_application(
    lab: Lab, family: int
) -> None:
    """The way narrows to 1,300 bytes in the middle: without the router's word nothing gets by."""
    before = lab.show("c1")["rfc1546-client"]["icmp_errors_relayed"]
    with connect(lab, family) as client:
        assert client.recv(100) == b"s1\n"
        client.sendall(b"x" * 50_000)
        client.shutdown(socket.SHUT_WR)
        echoed = 0
        while data := client.recv(65536):
            echoed += len(data)
    assert echoed == 50_000
    assert lab.show("c1")["rfc1546-client"]["icmp_errors_relayed"] > before


def only(instance: str, service: str) -> Callable[[Address, int, int], Address | None]:
    """One binding: local port 1000, port 80."""

    def bound(asked: Address, here: int, there: int) -> Address | None:
        known = (str(asked), here, there) == (instance, 1000, 80)
        return ip_address(service) if known else None

    return bound


def test_a_quoted_packet_is_retold_with_a_sound_header() -> None:
    quoted = IP(src="10.0.0.1", dst="10.0.0.9", id=7) / TCP(sport=1000, dport=80, seq=5)
    told = errors.retold(bytes(quoted), errors.V4, only("10.0.0.9", "192.0.2.1"))
    assert told is not None
    assert checksum(told[:20]) == 0
    again = IP(told)
    assert (again.dst, again.src, again[TCP].seq) == ("192.0.2.1", "10.0.0.1", 5)


@pytest.mark.parametrize(
    "quoted",
    [
        bytes(IP(src="10.0.0.1", dst="10.0.0.8") / TCP(sport=1000, dport=80)),
        bytes(IP(src="10.0.0.1", dst="10.0.0.9") / TCP(sport=1001, dport=80)),
        bytes(IP(src="10.0.0.1", dst="10.0.0.9") / ICMP()),
        bytes(IP(src="10.0.0.1", dst="10.0.0.9") / TCP())[:22],
        b"",
    ],
)
def test_what_is_not_bound_or_cut_short_is_left_alone(quoted: bytes) -> None:
    assert errors.retold(quoted, errors.V4, only("10.0.0.9", "192.0.2.1")) is None


def test_an_application_bound_to_the_service_address_is_handed_over_too(lab: Lab) -> None:
    lab.cut("s1", "r2")
    try:
        with lab.socket("s2", socket.AF_INET, socket.SOCK_STREAM) as listener:
            listener.bind((SERVICE[4], 8080))
            listener.listen()
            with lab.socket("c1", socket.AF_INET, socket.SOCK_STREAM) as client:
                client.settimeout(3)
                client.connect((SERVICE[4], 8080))
                peer, _ = listener.accept()
                with peer:
                    assert peer.getsockname()[0] == SERVICE[4]
                    peer.sendall(b"bound")
                assert client.recv(100) == b"bound"
                instances = {one["instance"] for one in bindings(lab) if one["port"] == 8080}
                assert instances == {own(lab, "s2", 4)}
    finally:
        lab.mend("s1", "r2")


def raw(lab: Lab, node: str) -> socket.socket:
    return lab.socket(node, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)


def test_a_forged_answer_with_other_ports_binds_nothing(lab: Lab) -> None:
    before = bindings(lab)
    target, attacker = own(lab, "c1", 4), own(lab, "c2", 4)
    with raw(lab, "c2") as sender:
        for port in range(40_000, 40_050):
            forged = IP(src=attacker, dst=target) / TCP(sport=80, dport=port, flags="SA", ack=1)
            sender.sendto(bytes(forged), (target, 0))
    assert bindings(lab) == before


def test_without_the_rules_sessions_end_and_the_table_is_gone(lab: Lab) -> None:
    with connect(lab, 4) as client:
        assert client.recv(100) == b"s1\n"
        lab.stop_service("c1", "rfc1546-client")
        try:
            with lab.inside("c1"):
                tables = subprocess.run(["nft", "list", "tables"], capture_output=True, check=True)
            assert tables.stdout == b""
            client.sendall(b"who?")
            with pytest.raises(ConnectionResetError):
                client.recv(100)
        finally:
            lab.start_service("c1", "rfc1546-client")


def test_a_storm_of_half_open_connections_leaves_the_old_ones_alive(lab: Lab) -> None:
    """100,000 SYNs that nobody answers: what is being opened is bounded, what is open lives."""
    source = own(lab, "c1", 4)
    with connect(lab, 4) as client, raw(lab, "c1") as sender:
        assert client.recv(100) == b"s1\n"
        lab.blackhole("r1", "r2", "there")
        syn = bytearray(bytes(IP(src=source, dst=SERVICE[4]) / TCP(dport=80, flags="S")))
        for number in range(100_000):
            struct.pack_into("!HH", syn, 20, 1024 + number % 60_000, 80 + number // 60_000)
            sender.sendto(syn, (SERVICE[4], 0))
        lab.clear("r1", "r2")
        client.sendall(b"alive")
        assert client.recv(100) == b"alive"
    with lab.inside("c1"):
        command = ["nft", "list", "set", "ip", "rfc1546-client", "opening0"]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert listed.count("expires") <= 1000


def test_without_nft_the_message_names_the_package(
    tmp_path: Path, leak_guard: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    file = tmp_path / "lab.yaml"
    nodes = "{r1: router, c1: {role: client, run: [rfc1546-client]}, s1: server}"
    groups = "{A: {members: [s1]}}"
    file.write_text(f"name: {unique('no-nft')}\nnodes: {nodes}\nanycast: {groups}\n")
    with pytest.raises(ProgramError, match=r"nft is not installed.*apt install nftables"):
        Lab.up(file)
