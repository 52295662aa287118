"""QUIC's preferred address: where datagrams go, who resets what, and what is no QUIC at all."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from anycastlab.components.quic import PORT, Quic, QuicOptions
from anycastlab.components.quic_connection import stateless_reset, token_from
from anycastlab.errors import ProgramError
from anycastlab.lab.handle import Lab
from anycastlab.lab.place import NodePlace
from anycastlab.probing.sessions import SessionPlan, hold_sessions
from anycastlab.probing.stream_flows import flows
from anycastlab.topology.network import Family
from tests.lab.conftest import unique
from tests.lab.impaired import eventually

TOPOLOGY = """\
nodes:
  r1: router
  c1: client
  s1: {role: server, run: [quic]}
  s2: {role: server, run: [{quic: {preferred-address: false}}]}
links: [[c1, r1], [s1, r1], [s2, r1]]
anycast:
  A: {addresses: [192.0.2.1, "2001:db8:a::1"], members: [s1]}
  B: {addresses: [192.0.2.2, "2001:db8:a::2"], members: [s2]}
"""
SERVICE = {("A", 4): "192.0.2.1", ("A", 6): "2001:db8:a::1", ("B", 4): "192.0.2.2"}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    file: Path = tmp_path_factory.mktemp("quic") / "lab.yaml"
    file.write_text(f"name: {unique('quic')}\n{TOPOLOGY}")
    with Lab.up(file) as running:
        yield running


def told(lab: Lab, node: str) -> dict[str, int]:
    held: dict[str, int] = lab.show(node)["quic"]
    return held


def datagrams(lab: Lab, node: str) -> dict[str, int]:
    return dict(lab.show(node)["quic"]["datagrams"])


@pytest.mark.parametrize(
    ("group", "server", "family"), [("A", "s1", 4), ("A", "s1", 6), ("B", "s2", 4)]
)
def test_after_the_handshake_all_goes_where_the_server_prefers(
    lab: Lab, group: str, server: str, family: Family
) -> None:
    node, before = lab.network.nodes[server], datagrams(lab, server)
    service, own = SERVICE[group, family], str(node.ipv4 if family == 4 else node.ipv6)
    held = hold_sessions(
        lab,
        flows(lab.network, ["c1"], group, [family]),
        SessionPlan(4, 0.005, after=0.6, by="quic"),
    )
    assert [one.fate for one in held.sessions] == ["survived"] * 4
    lines = sum(one.lines for one in held.sessions)
    came = {to: count - before.get(to, 0) for to, count in datagrams(lab, server).items()}
    if group == "A":
        assert came[own] >= lines - 8
        assert came[service] < 4 * 12
    else:
        assert came[service] >= lines
        assert own not in came


def test_a_reset_is_smaller_than_what_it_answers_and_ends_in_the_token() -> None:
    token = token_from(b"key")(b"12345678")
    assert token == token_from(b"key")(b"12345678") != token_from(b"other")(b"12345678")
    for received in (22, 30, 1200):
        reset = stateless_reset(token, received)
        assert reset is not None
        assert len(reset) < received
        assert reset.endswith(token)
        assert reset[0] & 0xC0 == 0x40
    assert stateless_reset(token, 21) is None


def test_an_unknown_connection_is_reset_and_nonsense_is_not_answered(lab: Lab) -> None:
    before = told(lab, "s1")
    with lab.socket("c1", socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(3)
        client.connect((SERVICE["A", 4], PORT))
        for nonsense in (b"\x00", b"hello", b"\xc0" + bytes(30), bytes(1300)):
            client.send(nonsense)
        client.send(b"\x40" + b"12345678" + bytes(40))
        assert client.recv(100).endswith(token_from(lab.network.name.encode())(b"12345678"))
    assert eventually(lambda: told(lab, "s1")["resets"] == before["resets"] + 1)
    assert told(lab, "s1")["connections"] == before["connections"]


def test_without_the_library_the_message_says_how_to_get_it(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "aioquic.quic.configuration", None)
    with pytest.raises(ProgramError, match=r"pip install 'anycastlab\[quic\]'"):
        Quic().start(NodePlace("s1", -1, None), QuicOptions())  # type: ignore[arg-type]
    plan = SessionPlan(1, by="quic")
    with pytest.raises(ProgramError, match="aioquic is not installed"):
        hold_sessions(lab, flows(lab.network, ["c1"], "A", [4]), plan)
