"""The process that sends: at what times, how much, and how it ends."""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from anycastlab.errors import HostError
from anycastlab.probing.stream_flows import Outlet
from anycastlab.probing.stream_sender import Schedule, Sender
from tests.probing.streams import FLOW

MS = 1_000_000


@pytest.fixture
def inbox() -> Iterator[socket.socket]:
    """A socket to send to."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        yield sock


Packet = Callable[[int, int], bytes]


def number(probe: int, _words: int) -> bytes:
    """A packet that holds its id."""
    return probe.to_bytes(4, "big")


@pytest.fixture
def outlet(inbox: socket.socket) -> Iterator[Callable[[Packet], Outlet]]:
    """Make the sending end."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:

        def make(packet: Packet = number, port: int | None = None) -> Outlet:
            address = ("127.0.0.1", inbox.getsockname()[1] if port is None else port)
            return Outlet(FLOW, sock, packet, lambda _data: None, address, 0)

        yield make


def soon(interval_ms: int, flows: int = 1) -> Schedule:
    return Schedule(time.monotonic_ns() + 5 * MS, interval_ms * MS, flows)


def heard(inbox: socket.socket) -> list[int]:
    found = []
    while select.select([inbox], [], [], 0)[0]:
        found.append(int.from_bytes(inbox.recv(16), "big"))
    return found


def test_flows_take_turns_within_the_interval() -> None:
    schedule = Schedule(1000, 100, 4)
    assert [schedule.moment(slot) for slot in range(6)] == [1000, 1025, 1050, 1075, 1100, 1125]


def test_slots_until_a_moment_are_whole_rounds() -> None:
    schedule = Schedule(1000, 100, 4)
    moments = (0, 1000, 1001, 1100, 1101)
    assert [schedule.slots_until(moment) for moment in moments] == [0, 0, 4, 4, 8]


@pytest.mark.usefixtures("leak_guard")
def test_every_slot_is_sent_in_order_never_early_and_noted(
    inbox: socket.socket, outlet: Callable[..., Outlet]
) -> None:
    schedule = soon(1)
    began = time.time_ns()
    sender = Sender([outlet()], schedule, 7, 20)
    sender.start()
    assert sender.ended_within(10)
    sent, late = sender.sent, sender.late
    sender.close()
    assert heard(inbox) == list(range(7, 27))
    assert len(sent) == len(late) == 20
    assert min(late) >= 0
    assert sent == sorted(sent)
    assert sent[-1] - began >= 19 * MS


def test_it_stops_when_it_is_told_to(inbox: socket.socket, outlet: Callable[..., Outlet]) -> None:
    schedule = soon(1)
    sender = Sender([outlet()], schedule, 0, 1 << 20)
    sender.start()
    assert not sender.ended_within(0.01)
    sender.stop_at(schedule.moment(30))
    assert sender.ended_within(10)
    assert len(sender.sent) >= 30
    assert heard(inbox) == list(range(len(sender.sent)))
    sender.close()


def test_what_the_kernel_refuses_is_noted_and_the_rest_is_sent(
    outlet: Callable[..., Outlet],
) -> None:
    sender = Sender([outlet(), outlet(port=0)], soon(1, flows=2), 0, 10)
    sender.start()
    assert sender.ended_within(10)
    assert [one > 0 for one in sender.sent] == [True, False] * 5
    sender.close()


def test_a_process_that_fails_is_an_error_and_not_an_empty_stream(
    outlet: Callable[..., Outlet],
) -> None:
    def broken(_probe: int, _words: int) -> bytes:
        os._exit(3)

    sender = Sender([outlet(broken)], soon(1), 0, 10)
    sender.start()
    with pytest.raises(HostError, match="ended with status 3"):
        sender.ended_within(10)
    sender.close()


@pytest.mark.usefixtures("leak_guard")
def test_closing_ends_a_process_that_does_not_listen(
    outlet: Callable[..., Outlet], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stuck(_probe: int, _words: int) -> bytes:
        select.select([], [], [])
        return b""

    monkeypatch.setattr("anycastlab.probing.stream_sender._PATIENCE", 0.05)
    sender = Sender([outlet(stuck)], soon(1), 0, 10)
    sender.start()
    sender.close()


def test_a_stream_too_long_for_the_memory_is_refused(outlet: Callable[..., Outlet]) -> None:
    with pytest.raises(HostError, match="no memory for"):
        Sender([outlet()], soon(1), 0, 1 << 55)
