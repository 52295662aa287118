"""What a wire does to frames, how it mirrors the carrier, and the process that carries them."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from threading import Event

import pytest

from anycastlab.errors import HostError
from anycastlab.kernel import messages, namespace
from anycastlab.kernel.netlink import Netlink
from anycastlab.kernel.wire import Way
from anycastlab.kernel.wire_carrier import Carrier, Interfaces
from anycastlab.kernel.wire_process import WireProcess
from anycastlab.topology.network import Impairment

Make = Callable[[], int]
MILLISECOND = 1_000_000
MAC = b"\x02\x00\x00\x00\x00"


def eventually(condition: Callable[[], bool], within: float = 5.0) -> bool:
    """Look again and again until it holds, or time is up."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            return False
        Event().wait(0.005)
    return True


# The arithmetic of one way


def test_an_unimpaired_way_lets_a_frame_out_at_once() -> None:
    assert Way(Impairment()).admit(5, 100) == (5,)


def test_a_delay_is_added_to_each_frame() -> None:
    way = Way(Impairment(delay=0.010))
    assert way.admit(0, 100) == (10 * MILLISECOND,)
    assert way.admit(7, 1500) == (10 * MILLISECOND + 7,)


def test_jitter_stays_within_its_bounds_and_uses_them() -> None:
    way = Way(Impairment(delay=0.010, jitter=0.002))
    times = [way.admit(0, 100)[0] for _ in range(2000)]
    assert 8 * MILLISECOND <= min(times) < 8.1 * MILLISECOND
    assert 11.9 * MILLISECOND < max(times) <= 12 * MILLISECOND
    assert sorted(times) != times


def test_all_nothing_and_a_share_are_lost() -> None:
    assert Way(Impairment(loss=1.0)).admit(0, 100) == ()
    way = Way(Impairment(loss=0.25))
    left = sum(len(way.admit(0, 100)) for _ in range(10_000))
    assert 7_250 < left < 7_750  # 7,500 ± 5.8 standard deviations
    assert way.inside == left


def test_a_duplicate_makes_up_for_a_loss_as_in_netem() -> None:
    assert len(Way(Impairment(duplicate=1.0)).admit(0, 100)) == 2
    assert len(Way(Impairment(duplicate=1.0, loss=1.0)).admit(0, 100)) == 1


def test_a_rate_lets_frames_out_one_by_one_and_in_order() -> None:
    way = Way(Impairment(delay=0.005, jitter=0.005, rate=8_000_000))
    times = [way.admit(0, 1000)[0] for _ in range(50)]
    assert times == sorted(times)
    gaps = {b - a for a, b in pairwise(times)}
    assert min(gaps) == MILLISECOND  # 1000 bytes at 8 Mbit/s
    assert times[-1] <= (10 + 50) * MILLISECOND


def test_a_link_at_rest_owes_nothing_to_earlier_frames() -> None:
    way = Way(Impairment(rate=8_000_000))
    assert way.admit(0, 1000) == (MILLISECOND,)
    assert way.admit(9 * MILLISECOND, 1000) == (10 * MILLISECOND,)


def test_a_frame_that_finds_the_queue_full_is_lost() -> None:
    way = Way(Impairment(rate=1_000_000))
    assert sum(len(way.admit(0, 100)) for _ in range(1500)) == 1000
    way.inside -= 1
    assert len(way.admit(0, 100)) == 1
    assert way.admit(0, 100) == ()


def test_reordered_frames_overtake_the_others() -> None:
    way = Way(Impairment(delay=0.010, reorder=0.5))
    times = [way.admit(0, 100)[0] for _ in range(1000)]
    assert set(times) == {0, 10 * MILLISECOND}
    assert 400 < times.count(0) < 600


# The carrier


class Paper(Interfaces):
    """Two veth pairs on paper: an inner end has a carrier when both it and its node's are up."""

    def __init__(self) -> None:
        self.inner = {1: False, 2: False}
        self.node = {1: True, 2: True}

    def has_carrier(self, index: int) -> bool:
        return self.inner[index] and self.node[index]

    def set_up(self, index: int) -> None:
        self.inner[index] = True

    def set_down(self, index: int) -> None:
        self.inner[index] = False

    def node_sees(self) -> tuple[bool, bool]:
        return self.has_carrier(1), self.has_carrier(2)


@pytest.mark.parametrize(
    "moves",
    [
        [(1, False), (1, True)],
        [(1, False), (2, False), (1, True), (2, True)],
        [(1, False), (2, False), (2, True), (1, True)],
        [(2, False), (1, False), (2, True), (1, True)],
        [(2, False), (2, True), (1, False), (1, True)],
    ],
)
def test_both_nodes_always_see_the_same_carrier(moves: list[tuple[int, bool]]) -> None:
    paper = Paper()
    carrier = Carrier(paper, (1, 2))
    assert paper.node_sees() == (True, True)
    for index, up in moves:
        paper.node[index] = up
        carrier.settle()
        assert paper.node_sees() == (all(paper.node.values()),) * 2
    assert paper.node_sees() == (True, True)


def test_two_changes_at_once_settle_too() -> None:
    paper = Paper()
    carrier = Carrier(paper, (1, 2))
    for up in (False, True):
        paper.node.update({1: up, 2: up})
        carrier.settle()
        carrier.settle()
        assert paper.node_sees() == (up, up)


# The process


def runs(place: int, name: str) -> bool:
    """Whether an interface sends: the kernel lets it do so a little after it has its carrier."""
    with namespace.inside(place):
        done = subprocess.run(["ip", "link", "show", name], check=True, capture_output=True)
    return b"state UP" in done.stdout


class Pair:
    """Two nodes and the inner ends of the wire between them."""

    def __init__(self, make: Make) -> None:
        self.a, self.b, self.place = make(), make(), make()
        with namespace.inside(self.place):
            self.process = WireProcess("wires:test")
        self.join()

    def join(self) -> None:
        ends = [(10, "to-b", self.a), (11, "to-a", self.b)]
        with Netlink(self.place) as netlink:
            for index, name, place in ends:
                inner = (index + 100, f"w{index}", MAC + bytes((index + 100,)), self.place)
                near = (index, name, MAC + bytes((index,)), place)
                netlink.send([messages.veth(near, inner)])
        self.process.add("a--b", (110, 111), Impairment())
        for _index, name, place in ends:
            assert eventually(lambda name=name, place=place: runs(place, name))

    def open(self, place: int, name: str) -> socket.socket:
        """A raw socket at one end that hears a protocol nobody else speaks."""
        end = namespace.open_socket(place, socket.AF_PACKET, socket.SOCK_RAW, 0)
        end.bind((name, 0x88B5))
        end.settimeout(5)
        return end


@pytest.fixture
def pair(make_namespace: Make) -> Iterator[Pair]:
    made = Pair(make_namespace)
    yield made
    made.process.close()


def frame(number: int) -> bytes:
    return MAC + b"\x0b" + MAC + b"\x0a" + b"\x88\xb5" + number.to_bytes(4, "big") + bytes(60)


def test_frames_come_out_at_the_other_end_byte_for_byte(pair: Pair) -> None:
    with pair.open(pair.a, "to-b") as a, pair.open(pair.b, "to-a") as b:
        a.send(frame(1))
        assert b.recv(2000) == frame(1)
        b.send(frame(2))
        assert a.recv(2000) == frame(2)


def test_a_delay_set_while_it_runs_holds_from_the_next_frame_on(pair: Pair) -> None:
    with pair.open(pair.a, "to-b") as a, pair.open(pair.b, "to-a") as b:
        pair.process.impair("a--b", Impairment(delay=0.030))
        begin = time.monotonic()
        a.send(frame(1))
        b.recv(2000)
        assert time.monotonic() - begin >= 0.030
        pair.process.impair("a--b", Impairment(loss=1.0))
        a.send(frame(2))
        pair.process.impair("a--b", Impairment())
        a.send(frame(3))
        assert b.recv(2000) == frame(3)


def test_a_wire_goes_with_its_interfaces_and_can_be_made_again(pair: Pair) -> None:
    descriptors = f"/proc/{pair.process.pid}/fd"
    before = len(os.listdir(descriptors))
    for _ in range(5):
        with Netlink(pair.place) as netlink:
            netlink.send([messages.delete_link(110), messages.delete_link(111)])
        pair.join()
    assert eventually(lambda: len(os.listdir(descriptors)) == before)
    with pair.open(pair.a, "to-b") as a, pair.open(pair.b, "to-a") as b:
        a.send(frame(7))
        assert b.recv(2000) == frame(7)


def test_what_cannot_be_done_is_said_and_the_process_lives_on(pair: Pair) -> None:
    with pytest.raises(HostError, match="No such device"):
        pair.process.add("x", (998, 999), Impairment())
    pair.process.impair("a--b", Impairment(delay=0.001))


def test_a_process_that_has_ended_is_an_error_and_no_hang(pair: Pair) -> None:
    os.kill(pair.process.pid, 9)
    with pytest.raises(HostError, match="carries the frames of impaired links"):
        pair.process.impair("a--b", Impairment())


def test_the_process_holds_no_descriptor_of_its_parent(make_namespace: Make) -> None:
    held = make_namespace()
    process = WireProcess("wires:test")
    try:
        process_fds = f"/proc/{process.pid}/fd"
        assert eventually(lambda: "anon_inode:[timerfd]" in links(process_fds))
        assert f"net:[{namespace.inode(held)}]" not in links(process_fds)
        assert f"net:[{namespace.inode(held)}]" in links("/proc/self/fd")
    finally:
        process.close()


def links(folder: str) -> set[str]:
    found = set()
    for name in os.listdir(folder):
        try:
            found.add(os.readlink(f"{folder}/{name}"))
        except FileNotFoundError:
            continue
    return found
