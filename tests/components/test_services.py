"""The components servers run: identity and http, asked by unmodified clients inside a lab."""

from __future__ import annotations

import socket
import struct
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from anycastlab.components.identity_wire import IDENTITY_PORT, MAGIC, instance_of, number_of
from anycastlab.lab.handle import Lab
from tests.lab.conftest import unique

TOPOLOGY = """\
nodes:
  r1: router
  c1: client
  s1: {role: server, run: [http, {identity: {port: 5000}}]}
  s2: server
links: [[c1, r1], [s1, r1], {endpoints: [s2, r1], cost: 5}]
anycast: {A: {addresses: [192.0.2.1, "2001:db8:a::1"], members: [s1, s2]}}
"""
ADDRESSES = ["192.0.2.1", "2001:db8:a::1"]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    file: Path = tmp_path_factory.mktemp("services") / "services.yaml"
    file.write_text(f"name: {unique('services')}\n{TOPOLOGY}")
    with Lab.up(file) as running:
        yield running


def family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


@pytest.mark.parametrize("address", ADDRESSES)
def test_tcp_says_the_instance_and_echoes(lab: Lab, address: str) -> None:
    with lab.socket("c1", family(address), socket.SOCK_STREAM) as client:
        client.settimeout(5)
        client.connect((address, 5000))
        assert client.recv(100) == b"s1\n"
        client.sendall(b"x" * 100_000)
        client.shutdown(socket.SHUT_WR)
        received = b""
        while data := client.recv(65536):
            received += data
    assert received == b"x" * 100_000


@pytest.mark.parametrize("address", ADDRESSES)
def test_udp_answers_from_the_address_that_was_asked(lab: Lab, address: str) -> None:
    with lab.socket("c1", family(address), socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.connect((address, 5000))  # so that the kernel refuses any other source
        client.send(MAGIC + struct.pack("!I", 77))
        answer = client.recv(100)
    assert number_of(answer) == 77
    assert instance_of(answer) == "s1"


def test_what_is_no_request_is_not_answered(lab: Lab) -> None:
    with lab.socket("c1", socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.connect(("192.0.2.1", 5000))
        client.send(b"who are you?")
        client.send(MAGIC + struct.pack("!I", 1))
        assert number_of(client.recv(100)) == 1


def test_the_port_can_be_chosen_and_the_default_is_then_free(lab: Lab) -> None:
    with lab.socket("c1", socket.AF_INET, socket.SOCK_STREAM) as client:
        client.settimeout(5)
        with pytest.raises(ConnectionRefusedError):
            client.connect(("192.0.2.1", IDENTITY_PORT))


def test_http_is_served_to_an_ordinary_client(lab: Lab) -> None:
    with lab.inside("c1"):
        for address in ("192.0.2.1", "[2001:db8:a::1]"):
            with urllib.request.urlopen(f"http://{address}/any?thing", timeout=5) as response:
                assert response.status == 200
                assert response.read() == b"s1\n"


def test_http_ends_a_connection_that_sends_no_end_of_head(lab: Lab) -> None:
    with lab.socket("c1", socket.AF_INET, socket.SOCK_STREAM) as client:
        client.settimeout(5)
        client.connect(("192.0.2.1", 80))
        with pytest.raises((ConnectionError, BrokenPipeError)):
            while True:
                client.sendall(b"x" * 4096)
        assert client.fileno() >= 0


def test_status_names_what_runs_and_a_killed_server_serves_no_more(lab: Lab) -> None:
    assert lab.status()["nodes"]["s1"]["services"] == ["http", "identity"]
    lab.kill("s1")
    assert lab.status()["nodes"]["s1"]["services"] == []
    with lab.socket("c1", socket.AF_INET, socket.SOCK_STREAM) as client:
        client.settimeout(5)
        client.connect(("192.0.2.1", IDENTITY_PORT))
        assert client.recv(100) == b"s2\n"
    lab.revive("s1")
    assert lab.status()["nodes"]["s1"]["services"] == ["http", "identity"]
