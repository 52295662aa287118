"""Health checks of real services in real nodes: what each kind of check sees, and what follows."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from anycastlab.components.identity_wire import IDENTITY_PORT
from anycastlab.errors import UsageError
from anycastlab.experiments.flap_fault import Flap
from anycastlab.kernel import namespace
from anycastlab.kernel.process import in_other_namespaces
from anycastlab.lab.handle import Lab
from tests.lab.conftest import unique
from tests.lab.impaired import eventually

INTERVAL, FALL, HOLD_DOWN = 0.1, 2, 0.5
BOUND = INTERVAL * FALL + 1
"""Seconds, see topology/health.py."""
USUAL = "interval: 100ms, fall: 2, rise: 2, hold-down: 500ms"
CHECKS = {
    "tcp": "service: tcp",
    "udp": "service: udp",
    "http": "service: http, path: /health",
    "v4": "service: http, address: service",
    "v6": "service: tcp, address: service",
    "nohttp": f"service: http, port: {IDENTITY_PORT}",
    "mute": "service: http, port: 5001",
    "deaf": "service: udp, port: 5002",
    "file": "service: exec, command: test -e ok",
    "words": "service: exec, command: [sh, -c, 'echo no disk; exit 3']",
    "hangs": "service: exec, command: tail -f /dev/null | cat",
    "missing": "service: exec, command: [no-such-program]",
}
FLAPPING = "service: tcp, interval: 20ms, fall: 1, rise: 1"
SERVED = ("tcp", "udp", "http", "v4", "v6")
"""The groups whose services the lab runs."""
TOPOLOGY = """\
nodes:
  r1: router
  c1: client
  s1: {role: server, run: [http]}
  s2: server
links: [[c1, r1], [s1, r1], {endpoints: [s2, r1], cost: 5}]
anycast:
  plain: {members: [s1, s2]}
"""


def tied(name: str, how: str) -> str:
    return f"  {name}: {{members: {{s1: {{check: {{{FLAPPING}, {how}}}}}, s2: }}}}\n"


def group(name: str, check: str) -> str:
    addresses = 'addresses: "2001:db8:66::1", ' if name == "v6" else ""
    member = f"s1: {{check: {{{check}, {USUAL}}}}}"
    return f"  {name}: {{{addresses}members: {{{member}, s2: }}}}\n"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    file: Path = tmp_path_factory.mktemp("health") / "health.yaml"
    groups = "".join(group(name, check) for name, check in CHECKS.items())
    groups += tied("held", "hold-down: 1s") + tied("jumpy", "hold-down: 0s")
    file.write_text(f"name: {unique('health')}\n{TOPOLOGY}{groups}")
    with Lab.up(file) as running:
        yield running


def told(lab: Lab, name: str) -> Any:
    return lab.show("s1", "health")["health"][name]


def withdrawn(lab: Lab) -> set[str]:
    return {name for name, node in lab.state().withdrawn if node == "s1"}


def served_by(lab: Lab, name: str) -> str:
    """Who says its name to a client of a group."""
    address = str(lab.network.groups[name].addresses[0])
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with lab.socket("c1", family, socket.SOCK_STREAM) as client:
        client.settimeout(5)
        client.connect((address, IDENTITY_PORT))
        return client.recv(100).decode().strip()


def test_each_kind_of_check_sees_a_service_that_is_alive(lab: Lab) -> None:
    assert eventually(lambda: all(told(lab, name)["checks"] > 3 for name in SERVED))
    for name in SERVED:
        assert (name, told(lab, name)["alive"]) == (name, True)
        assert (name, served_by(lab, name)) == (name, "s1")
    assert withdrawn(lab).isdisjoint(SERVED)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("nohttp", "what answers is no HTTP"),
        ("mute", "connection refused"),
        ("deaf", "connection refused"),
        ("file", "status 1"),
        ("words", "status 3: no disk"),
        ("hangs", "no answer in 100 ms"),
        ("missing", "no-such-program is not installed"),
    ],
)
def test_each_kind_of_check_sees_one_that_is_not_and_says_why(
    lab: Lab, name: str, problem: str
) -> None:
    assert eventually(lambda: name in withdrawn(lab))
    assert not told(lab, name)["announced"]
    assert told(lab, name)["problem"].startswith(problem)
    assert served_by(lab, name) == "s2"


def test_who_accepts_or_listens_and_says_nothing_is_not_alive(lab: Lab) -> None:
    with (
        lab.socket("s1", socket.AF_INET, socket.SOCK_STREAM) as mute,
        lab.socket("s1", socket.AF_INET, socket.SOCK_DGRAM) as deaf,
    ):
        mute.bind(("", 5001))
        mute.listen()
        deaf.bind(("", 5002))
        for name in ("mute", "deaf"):
            assert eventually(lambda name=name: told(lab, name)["problem"] == "no answer in 100 ms")


@pytest.mark.parametrize(
    ("line", "problem"), [("503 Busy", "HTTP status 503"), ("204 No Content", "")]
)
def test_the_status_of_http_counts(lab: Lab, line: str, problem: str) -> None:
    with lab.socket("s1", socket.AF_INET, socket.SOCK_STREAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.settimeout(5)
        server.bind(("", 5001))
        server.listen()

        def seen() -> bool:
            peer, _ = server.accept()
            with peer:
                peer.settimeout(5)
                asked = peer.recv(1000)
                peer.sendall(f"HTTP/1.1 {line}\r\n\r\n".encode())
            assert asked.startswith(b"GET / HTTP/1.1\r\n")
            return bool(told(lab, "mute")["problem"] == problem)

        assert eventually(seen)


def test_a_program_that_hangs_goes_with_all_it_started(lab: Lab) -> None:
    inode = namespace.inode(lab.namespace("s1"))
    before = told(lab, "hangs")["checks"]
    assert eventually(lambda: told(lab, "hangs")["checks"] > before + 3)
    assert len(in_other_namespaces().get(inode, [])) <= 8


def test_a_program_is_run_in_the_nodes_directory(lab: Lab) -> None:
    assert eventually(lambda: "file" in withdrawn(lab))
    ok = lab.directory / "nodes" / "s1" / "ok"
    ok.touch()
    assert eventually(lambda: "file" not in withdrawn(lab))
    assert served_by(lab, "file") == "s1"
    ok.unlink()
    assert eventually(lambda: "file" in withdrawn(lab))


def test_a_dead_service_is_withdrawn_in_time_and_announced_after_the_hold_down(lab: Lab) -> None:
    counts = {name: told(lab, name)["announcements"] for name in SERVED}
    began = time.monotonic()
    lab.stop_service("s1")
    assert eventually(lambda: withdrawn(lab) >= set(SERVED), within=BOUND)
    withdrawn_in = time.monotonic() - began
    assert INTERVAL <= withdrawn_in <= BOUND
    assert "plain" not in withdrawn(lab)
    assert {served_by(lab, name) for name in SERVED} == {"s2"}
    with pytest.raises(ConnectionRefusedError):
        served_by(lab, "plain")
    lab.start_service("s1")
    assert eventually(lambda: withdrawn(lab).isdisjoint(SERVED))
    assert time.monotonic() - began >= INTERVAL + HOLD_DOWN
    for name in SERVED:
        assert told(lab, name)["announcements"] == counts[name] + 1
        assert served_by(lab, name) == "s1"


def test_ten_flaps_a_second_are_one_announcement_in_a_hold_down_at_most(lab: Lab) -> None:
    before = {name: told(lab, name)["announcements"] for name in ("held", "jumpy")}
    began = time.monotonic()
    flap = {"fault": {"stop-service": "s1"}, "period": "100ms", "count": 15}
    Flap.model_validate(flap).strike(lab)
    took = time.monotonic() - began
    held, jumpy = (told(lab, name)["announcements"] - old for name, old in before.items())
    most = took / 1.0 + 1
    assert held <= most < jumpy


def test_what_is_done_by_hand_comes_first(lab: Lab) -> None:
    lab.withdraw("s1", "tcp")
    checks = told(lab, "tcp")["checks"]
    assert eventually(lambda: told(lab, "tcp")["checks"] > checks + 10)
    assert "tcp" in withdrawn(lab)
    lab.announce("s1", "tcp")
    assert "tcp" not in withdrawn(lab)
    assert eventually(lambda: "words" in withdrawn(lab))
    lab.announce("s1", "words")
    checks = told(lab, "words")["checks"]
    assert eventually(lambda: told(lab, "words")["checks"] > checks + 5)
    assert "words" not in withdrawn(lab)
    lab.withdraw("s1", "words")


def test_who_stops_the_checker_has_nobody_who_looks(lab: Lab) -> None:
    lab.stop_service("s1", "health")
    with pytest.raises(UsageError, match="'s1' runs no 'health'"):
        lab.show("s1", "health")
    lab.stop_service("s1")
    assert not eventually(lambda: "tcp" in withdrawn(lab), within=INTERVAL * FALL + 0.3)
    lab.start_service("s1")
    assert "health" in lab.status()["nodes"]["s1"]["services"]
    assert told(lab, "tcp")["alive"]


def test_a_server_that_comes_back_is_checked_anew(lab: Lab) -> None:
    lab.kill("s1")
    lab.revive("s1")
    assert eventually(lambda: told(lab, "tcp")["checks"] > 3)
    assert told(lab, "tcp")["failures"] == 0
    assert eventually(lambda: "words" in withdrawn(lab))
    assert "tcp" not in withdrawn(lab)
