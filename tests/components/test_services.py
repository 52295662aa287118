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
  s2: {role: server, run: [{http: {redirect: 308, alt-svc: true}}]}
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


def asked(lab: Lab, request: bytes, address: str = "192.0.2.1") -> bytes:
    """What comes back for the bytes of a request, until the end."""
    with lab.socket("c1", family(address), socket.SOCK_STREAM) as client:
        client.settimeout(5)
        client.connect((address, 80))
        client.sendall(request)
        answer = b""
        while data := client.recv(1 << 20):
            answer += data
    return answer


@pytest.mark.parametrize("size", [0, 1, 300_000])
def test_http_answers_with_as_many_bytes_as_are_asked_for(lab: Lab, size: int) -> None:
    head, _, body = asked(lab, f"GET /bytes/{size} HTTP/1.1\r\n\r\n".encode()).partition(
        b"\r\n\r\n"
    )
    assert f"Content-Length: {size}\r\n".encode() in head
    assert body == (bytes(range(256)) * (size // 256 + 1))[:size]


@pytest.mark.parametrize(
    ("request_line", "status", "rest"),
    [
        (b"HEAD /bytes/5000 HTTP/1.1", b"HTTP/1.1 200 OK", b""),
        (b"HEAD / HTTP/1.0", b"HTTP/1.1 200 OK", b""),
        (b"GET /bytes/9999999999 HTTP/1.1", b"HTTP/1.1 200 OK", b"s1\n"),
        (b"hello", b"HTTP/1.1 400 Bad Request", b"what is that?\n"),
        (b"GET / SMTP", b"HTTP/1.1 400 Bad Request", b"what is that?\n"),
    ],
)
def test_http_answers_each_request_in_its_way(
    lab: Lab, request_line: bytes, status: bytes, rest: bytes
) -> None:
    head, _, body = asked(lab, request_line + b"\r\n\r\n").partition(b"\r\n\r\n")
    assert head.splitlines()[0] == status
    assert body == rest


def test_http_has_a_page_for_browsers_that_downloads(lab: Lab) -> None:
    head, _, body = asked(lab, b"GET /page/70 HTTP/1.1\r\n\r\n").partition(b"\r\n\r\n")
    assert b"Content-Type: text/html\r\n" in head
    assert b"<title>s1</title>" in body
    assert b"fetch('/bytes/70')" in body


def test_http_redirects_from_the_service_address_but_never_from_its_own(lab: Lab) -> None:
    own = lab.network.nodes["s2"]
    request = b"GET /a%20b?c HTTP/1.1\r\n\r\n"
    lab.cut("s1", "r1")
    try:
        for address, host in (("192.0.2.1", f"{own.ipv4}"), ("2001:db8:a::1", f"[{own.ipv6}]")):
            answer = asked(lab, request, address)
            assert answer.startswith(b"HTTP/1.1 308 Permanent Redirect\r\n")
            assert f"Location: http://{host}/a%20b?c\r\n".encode() in answer
        assert asked(lab, request, str(own.ipv4)).endswith(b"\r\n\r\ns2\n")
    finally:
        lab.mend("s1", "r1")


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
