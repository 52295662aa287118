"""Node information (RFC 4620): what queries get, who is refused, what is forged or nonsense."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, IPOption_LSRR

from anycastlab.components import node_information_wire as wire
from anycastlab.components.node_information_wire import Message
from anycastlab.errors import UsageError
from anycastlab.lab.handle import Lab
from anycastlab.probing.resolve import resolve
from anycastlab.probing.sessions_way import By, loose_source_route, ways
from anycastlab.probing.stream_flows import flows
from anycastlab.topology.network import Family
from tests.lab.conftest import unique

TOPOLOGY = """\
nodes:
  r1: router
  c1: client
  c2: client
  s1: {role: server, run: [{node-information: {allow: all}}]}
  s2: {role: server, run: [{node-information: {refuse: silent}}, http]}
links: [[c1, r1], [c2, r1], [s1, r1], [s2, r1]]
anycast:
  A: {addresses: [192.0.2.1, "2001:db8:a::1"], members: [s1]}
  B: {addresses: ["2001:db8:a::2"], members: [s2]}
  old: {addresses: [192.0.2.3], members: [s2]}
"""
NONCE = b"12345678"
SERVICE = socket.inet_pton(socket.AF_INET6, "2001:db8:a::1")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    file: Path = tmp_path_factory.mktemp("ni") / "lab.yaml"
    file.write_text(f"name: {unique('ni')}\n{TOPOLOGY}")
    with Lab.up(file) as running:
        yield running


def asked(lab: Lab, query: bytes, to: str = "2001:db8:a::1") -> Message | None:
    """What comes back for a query; queries that get nothing are followed by one that does."""
    with lab.socket("c1", socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as asking:
        asking.settimeout(3)
        last = Message(wire.QUERY, wire.SUBJECT_NAME, wire.NOOP, 0, os.urandom(8))
        for each in (query, last.packed()):
            asking.sendto(each, (to, 0))
        while True:
            reply = Message.read(asking.recv(2048))
            if reply is not None and reply.nonce in (NONCE, last.nonce):
                return None if reply.nonce == last.nonce else reply


def query(qtype: int, flags: int = 0, code: int = 0, data: bytes = SERVICE) -> bytes:
    return Message(wire.QUERY, code, qtype, flags, NONCE, data).packed()


def test_addresses_are_those_asked_for(lab: Lab) -> None:
    node = lab.network.nodes["s1"]
    everywhere = wire.GLOBAL | wire.ALL_INTERFACES
    one = asked(lab, query(wire.NODE_ADDRESSES, wire.GLOBAL))
    every = asked(lab, query(wire.NODE_ADDRESSES, everywhere))
    none = asked(lab, query(wire.NODE_ADDRESSES, wire.LINK_LOCAL))
    assert one is not None and one.addresses() == (node.ipv6,)
    assert every is not None and every.addresses() == (node.ipv6, node.interfaces[0].ipv6.ip)
    assert none is not None and (none.code, none.addresses()) == (wire.SUCCESS, ())
    assert every.flags == everywhere


def test_names_ipv4_addresses_and_nothing_are_told_too(lab: Lab) -> None:
    name, ipv4 = asked(lab, query(wire.NODE_NAME)), asked(lab, query(wire.IPV4_ADDRESSES))
    assert name is not None and name.data == wire.name_data("s1") == bytes(4) + b"\x02s1\0\0"
    own = lab.network.nodes["s1"].ipv4
    assert ipv4 is not None and ipv4.data == bytes(4) + own.packed
    unknown = asked(lab, query(99))
    assert unknown is not None and (unknown.code, unknown.data) == (wire.UNKNOWN, b"")


@pytest.mark.parametrize(
    "strange",
    [
        query(wire.NODE_ADDRESSES, data=socket.inet_pton(socket.AF_INET6, "2001:db8:a::2")),
        query(wire.NODE_NAME, code=wire.SUBJECT_NAME, data=b"\x02s2\0\0"),
        query(wire.NODE_NAME, data=b""),
        query(wire.NODE_NAME)[:12],
        query(wire.NODE_NAME)[:8],
    ],
    ids=["another's address", "another's name", "no subject", "cut short", "eight bytes"],
)
def test_what_is_not_about_the_node_or_cut_short_is_ignored(lab: Lab, strange: bytes) -> None:
    before = lab.show("s1")["node-information"]["ignored"]
    assert asked(lab, strange) is None
    assert lab.show("s1")["node-information"]["ignored"] == before + 1


@given(st.binary(max_size=60))
def test_no_bytes_are_too_strange_to_be_read(data: bytes) -> None:
    read = Message.read(data)
    if read is None:
        assert len(data) < 16 or data[0] not in (wire.QUERY, wire.REPLY)
    else:
        assert read.packed() == data[:2] + bytes(2) + data[4:]
        assert len(read.addresses()) == (len(data) - 16) // 20
        assert len(wire.subject_name(read.data)) <= 63


def test_a_client_learns_whom_it_reaches(lab: Lab) -> None:
    found = resolve(lab, "c1", "A")
    own = str(lab.network.nodes["s1"].ipv6)
    assert (found.answer, found.node, found.addresses[0]) == ("resolved", "s1", own)
    assert found.source in found.addresses


def test_a_group_without_ipv6_cannot_be_asked(lab: Lab) -> None:
    with pytest.raises(UsageError, match="'old' has no IPv6 address"):
        resolve(lab, "c1", "old")


def test_forged_replies_with_another_nonce_are_ignored(lab: Lab) -> None:
    target = str(lab.network.nodes["c1"].ipv6)
    lie = wire.address_data([lab.network.nodes["c2"].ipv6])
    done = Event()

    def forge() -> None:
        with lab.socket("c2", socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as forger:
            while not done.wait(0.005):
                forged = Message(wire.REPLY, 0, wire.NODE_ADDRESSES, 0, NONCE, lie)
                forger.sendto(forged.packed(), (target, 0))

    thread = Thread(target=forge)
    lab.namespace("c2")
    thread.start()
    try:
        found = resolve(lab, "c1", "B", within=0.3)
    finally:
        done.set()
        thread.join()
    assert (found.answer, found.node) == ("silent", None)
    assert found.strange > 0


@pytest.mark.parametrize(("told", "answer"), [("s2", "resolved"), ("c2", "silent")])
def test_what_is_told_of_somebody_else_is_ignored(lab: Lab, told: str, answer: str) -> None:
    """A liar that knows the nonce, since it is the one that was asked."""
    data = wire.address_data([lab.network.nodes[told].ipv6])
    done, s2 = Event(), lab.network.nodes["s2"].ipv6

    def lie() -> None:
        kind = socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6
        with lab.socket("s2", *kind) as hearing, lab.socket("s2", *kind) as liar:
            liar.bind((str(s2), 0))
            hearing.settimeout(0.01)
            while not done.is_set():
                with suppress(TimeoutError):
                    reached(*hearing.recvfrom(2048), liar)

    def reached(message: bytes, asker: tuple[str, int], liar: socket.socket) -> None:
        query = Message.read(message)
        if query is not None and query.kind == wire.QUERY:
            reply = Message(wire.REPLY, 0, query.qtype, query.flags, query.nonce, data)
            liar.sendto(reply.packed(), asker)

    thread = Thread(target=lie)
    lab.namespace("s2")
    thread.start()
    try:
        found = resolve(lab, "c1", "B", within=1.2 if answer == "resolved" else 0.6)
    finally:
        done.set()
        thread.join()
    assert (found.answer, found.node) == (answer, told if answer == "resolved" else None)
    assert (found.strange > 0) is (answer == "silent")


@pytest.mark.parametrize("family", [4, 6])
def test_sessions_begin_at_what_was_resolved(lab: Lab, family: Family) -> None:
    node, taken = lab.network.nodes["s1"], list[str]()
    known = ways(lab, flows(lab.network, ["c1"], "A", [family]), "node-information")
    taken += [way.address for way in known.values()]
    assert taken == [str(node.ipv4 if family == 4 else node.ipv6)]


@pytest.mark.parametrize(
    ("group", "family", "by", "problem"),
    [
        ("B", 6, "node-information", "'c1' asked 2001:db8:a::2 for its instance: silent"),
        ("A", 6, "source-route", "IPv6 has no loose source route any more"),
        ("A", 4, "http-redirect", "'c1' asked http://192.0.2.1: .*Connection refused"),
        ("B", 6, "http-redirect", "http://2001:db8:a::2 redirects nobody: give its http"),
    ],
)
def test_a_way_that_is_not_there_is_told(
    lab: Lab, group: str, family: Family, by: By, problem: str
) -> None:
    with pytest.raises(UsageError, match=problem):
        ways(lab, flows(lab.network, ["c1"], group, [family]), by)


def test_a_loose_source_route_is_as_rfc_791_has_it() -> None:
    packet = IP(src="10.0.0.1", dst="10.0.0.9", options=IPOption_LSRR(routers=["192.0.2.1"]))
    assert loose_source_route("192.0.2.1")[:7] == bytes(packet)[20:27]


def test_the_verb_says_who_it_is_and_fails_where_nobody_tells(lab: Lab) -> None:
    def verb(group: str, *more: str) -> subprocess.CompletedProcess[str]:
        words = ["resolve", lab.name, "--from", "c1", "--to", group, *more]
        command = [sys.executable, "-m", "anycastlab", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    told = verb("A")
    assert told.returncode == 0
    assert told.stdout.startswith("A (2001:db8:a::1) is s1: 2001:db8::")
    assert '"node": "s1"' in verb("A", "--json").stdout
    silent = verb("B")
    assert (silent.returncode, silent.stdout) == (1, "")
    assert "does not answer" in silent.stderr
    unknown = verb("C")
    assert (unknown.returncode, unknown.stderr) == (
        2,
        "anycastlab: no group 'C' in this lab\n",
    )
