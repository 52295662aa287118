"""TCP sessions under faults: who survives, who resets whom, told by taps and not by guesses."""

from __future__ import annotations

import socket
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event, Thread

import pytest

from anycastlab.components.identity_wire import IDENTITY_PORT
from anycastlab.errors import UsageError
from anycastlab.lab.handle import Lab
from anycastlab.probing.sessions import SessionPlan, SessionsHeld, hold_sessions
from anycastlab.probing.stream_flows import flows
from anycastlab.probing.stream_record import Strike
from tests.lab.conftest import unique

TWO_SITES = """\
nodes: {r1: router, r2: router, c1: client, c2: client, s1: server, s2: server}
links:
  - [c1, r1]
  - [s1, r1]
  - {endpoints: [r1, r2], cost: 5}
  - [s2, r2]
  - [c2, r2]
anycast: {A: {members: [s1, s2]}}
"""

# Requests go r1 - r2 - s1, replies r2 - r3 - r1: r3 is a member too, and passes resets on.
DETOUR = """\
nodes: {r1: router, r2: router, r3: router, c1: client, s1: server, s2: server}
links:
  - [c1, r1]
  - [s2, r1]
  - {endpoints: [r1, r2], cost: [1, 20]}
  - {endpoints: [r2, r3], cost: [2, 20]}
  - {endpoints: [r3, r1], cost: [1, 20]}
  - [s1, r2]
anycast: {A: {members: [s1, s2, r3]}}
"""

QUICK = SessionPlan(count=12, apart=0.05, after=0.2, patience=0.3)


def up(text: str, folder: Path) -> Lab:
    file = folder / "sessions.yaml"
    file.write_text(f"name: {unique('sessions')}\n{text}")
    return Lab.up(file)


@pytest.fixture
def lab(tmp_path: Path, leak_guard: None) -> Iterator[Lab]:
    with up(TWO_SITES, tmp_path) as running:
        yield running


class Hangup:
    """A server that says a name, echoes three lines, and hangs up."""

    def __init__(self, lab: Lab, node: str) -> None:
        self._name = node.encode()
        self._listener = lab.socket(node, socket.AF_INET6, socket.SOCK_STREAM)
        self._listener.bind(("", IDENTITY_PORT))
        self._listener.listen(64)
        self._threads: list[Thread] = []

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self._start(self._talk, peer)

    def _talk(self, peer: socket.socket) -> None:
        with peer:
            peer.sendall(self._name + b"\n")
            for _ in range(3):
                peer.sendall(peer.recv(100))

    def __enter__(self) -> None:
        self._start(self._accept)

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)


def hold(lab: Lab, *clients: str, strikes: list[Strike] | None = None) -> SessionsHeld:
    return hold_sessions(lab, flows(lab.network, clients, "A", (4, 6)), QUICK, strikes or [])


def fates(held: SessionsHeld) -> Counter[tuple[str | None, str, tuple[str, ...]]]:
    return Counter((one.instance, one.fate, one.reset_by) for one in held.sessions)


def test_sessions_survive_where_nothing_happens(lab: Lab) -> None:
    held = hold(lab, "c1", "c2")
    assert fates(held) == {("s1", "survived", ()): 6, ("s2", "survived", ()): 6}
    assert {(one.client, one.family) for one in held.sessions} == {
        ("c1", 4),
        ("c1", 6),
        ("c2", 4),
        ("c2", 6),
    }
    for one in held.sessions:
        assert one.lines > 2
        assert (one.bytes_lost, one.ended, one.moved) == (0, None, False)
        assert 0 < one.slowest < 1


def test_a_shift_resets_the_sessions_that_move_and_no_others(lab: Lab) -> None:
    shift = Strike("set-cost", partial(lab.set_cost, "s1", "r1", 1, 30))
    held = hold(lab, "c1", "c2", strikes=[shift])
    assert fates(held) == {("s1", "reset", ("s2",)): 6, ("s2", "survived", ()): 6}
    for one in held.sessions:
        assert one.moved == (one.instance == "s1")
        assert (one.bytes_lost > 0) == (one.instance == "s1")
        assert (one.ended is not None) == (one.instance == "s1")
    (struck,) = held.struck
    assert struck.predicted["c1", "A"] == ("s2",)


def test_the_sessions_of_an_instance_that_dies_are_reset_by_the_next(lab: Lab) -> None:
    held = hold(lab, "c1", strikes=[Strike("kill", partial(lab.kill, "s1"))])
    assert fates(held) == {("s1", "reset", ("s2",)): 12}


def test_sessions_hang_when_nobody_is_left_to_reset_them(lab: Lab) -> None:
    cut = Strike("cut", partial(lab.cut, "r1", "r2"))
    kill = Strike("kill", partial(lab.kill, "s1"))
    held = hold(lab, "c1", strikes=[cut, kill])
    assert fates(held) == {("s1", "hung", ()): 12}
    assert all(one.slowest > QUICK.patience for one in held.sessions)


def hole_until_twice_resent(lab: Lab) -> None:
    """Let packets vanish until the client's kernel has doubled its timeout twice (after 0.6 s)."""
    lab.blackhole("c1", "r1")
    sockets = ""
    with lab.inside("c1"):
        while "backoff:2" not in sockets:
            sockets = subprocess.check_output(["ss", "-tin"], text=True)
    lab.clear("c1", "r1")


@pytest.mark.parametrize(("backed_off", "fate"), [(2, "survived"), (0, "hung")])
def test_after_a_fault_that_took_long_the_next_transmission_is_waited_for(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, backed_off: int, fate: str
) -> None:
    monkeypatch.setattr("anycastlab.probing.sessions._BACKED_OFF", backed_off)
    plan = replace(QUICK, after=0.0, patience=0.1)
    long = Strike("blackhole", partial(hole_until_twice_resent, lab))
    held = hold_sessions(lab, flows(lab.network, ["c1"], "A", (4, 6)), plan, [long])
    assert fates(held) == {("s1", fate, ()): 12}


def test_sessions_stall_in_a_black_hole_and_survive_it(lab: Lab) -> None:
    hole = Strike("blackhole", partial(lab.blackhole, "c1", "r1"))
    clear = Strike("clear", partial(lab.clear, "c1", "r1"))
    held = hold(lab, "c1", strikes=[hole, clear])
    assert fates(held) == {("s1", "survived", ()): 12}
    assert max(one.slowest for one in held.sessions) > QUICK.apart


def test_a_service_that_stops_resets_its_own_sessions(lab: Lab) -> None:
    held = hold(lab, "c1", strikes=[Strike("stop", partial(lab.stop_service, "s1"))])
    assert fates(held) == {("s1", "reset", ("s1",)): 12}
    assert not any(one.moved for one in held.sessions)


def test_sessions_are_refused_where_nobody_listens(lab: Lab) -> None:
    lab.stop_service("s1")
    assert fates(hold(lab, "c1")) == {(None, "refused", ()): 12}


def test_a_server_that_ends_its_sessions_in_order_closes_them(lab: Lab) -> None:
    lab.stop_service("s1")
    with Hangup(lab, "s1"):
        assert fates(hold(lab, "c1")) == {("s1", "closed", ()): 12}


def test_a_fault_that_takes_its_time_does_not_stop_the_sessions(lab: Lab) -> None:
    held = hold(lab, "c1", strikes=[Strike("slow", partial(Event().wait, 0.3))])
    assert fates(held) == {("s1", "survived", ()): 12}
    assert all(one.slowest < 0.3 for one in held.sessions)
    assert all(one.lines > (0.3 + QUICK.after) / QUICK.pace / 2 for one in held.sessions)


def test_a_member_that_passes_a_reset_on_did_not_send_it(tmp_path: Path, leak_guard: None) -> None:
    # IPv6 only: in IPv4 a member drops what comes from its own service address
    with up(DETOUR, tmp_path) as lab:
        shift = Strike("set-cost", partial(lab.set_cost, "r1", "s2", 30, 1))
        held = hold_sessions(lab, flows(lab.network, ["c1"], "A", (6,)), QUICK, [shift])
        assert fates(held) == {("s2", "reset", ("s1",)): 12}


def test_a_reset_by_another_instance_is_not_taken_for_the_predicted_one(lab: Lab) -> None:
    def behind_the_labs_back() -> None:
        lab.set_cost("s1", "r1", 1, 30)
        lab.kill("s2")
        lab.revive("s2")

    held = hold(lab, "c1", strikes=[Strike("flap", behind_the_labs_back)])
    assert all(one.reset_by in ((), ("s2",)) for one in held.sessions)
    assert {one.fate for one in held.sessions} == {"reset"}


def test_a_dead_client_holds_no_sessions(lab: Lab) -> None:
    lab.kill("c1")
    with pytest.raises(UsageError, match="'c1' is dead"):
        hold(lab, "c1")


def test_what_a_fault_raises_ends_the_measurement_and_leaves_nothing(lab: Lab) -> None:
    with pytest.raises(UsageError, match="alive"):
        hold(lab, "c1", strikes=[Strike("revive", partial(lab.revive, "s1"))])
    assert fates(hold(lab, "c1")) == {("s1", "survived", ()): 12}


def test_the_json_counts_and_lists_the_sessions(lab: Lab) -> None:
    found = hold(lab, "c1", strikes=[Strike("kill: s1", partial(lab.kill, "s1"))]).as_json()
    assert (found["count"], found["reset"], found["moved"], found["survived"]) == (12, 12, 12, 0)
    assert found["faults"][0]["fault"] == "kill: s1"
    assert {one["instance"] for one in found["sessions"]} == {"s1"}
    assert {tuple(one["reset_by"]) for one in found["sessions"]} == {("s2",)}
