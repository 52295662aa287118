"""Taps see what passes, with the kernel's time; what they lose is counted."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable

import pytest

from anycastlab.kernel import namespace
from anycastlab.kernel.bpf import Program, assemble, equal, here, keep, load_byte, load_half, mask
from anycastlab.kernel.packet import HOST, LOOPBACK, OUTGOING, Tap, close_all, namespace_cookie

PORT = 4000
MakeNamespace = Callable[[], int]


@pytest.fixture
def space(make_namespace: MakeNamespace) -> int:
    """A namespace with `lo` up."""
    made = make_namespace()
    with namespace.inside(made):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    return made


def tap(space: int, program: Program | None = None, **options: int) -> Tap:
    sock = namespace.open_socket(space, socket.AF_PACKET, socket.SOCK_DGRAM)
    return Tap(sock, program, **options)


def send(space: int, *messages: bytes, port: int = PORT) -> None:
    with namespace.open_socket(space, socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for message in messages:
            sender.sendto(message, ("127.0.0.1", port))


def to_port(port: int) -> Program:
    """Keep UDP over IPv4 (without options) to *port*, the first 64 bytes."""
    return assemble(
        load_byte(0),
        mask(0xF0),
        equal(0x40, otherwise="drop"),
        load_byte(9),
        equal(17, otherwise="drop"),
        load_half(22),
        equal(port, then="keep", otherwise="drop"),
        here("keep"),
        keep(64),
        here("drop"),
        keep(0),
    )


def test_a_packet_is_seen_leaving_and_entering(space: int) -> None:
    watching = tap(space, to_port(PORT))
    before = time.time_ns()
    send(space, b"hello")
    seen = list(watching.read())
    watching.close()
    assert sorted(record[3] for record in seen) == [HOST, OUTGOING]
    for protocol, index, _, _, _, _, seconds, nanoseconds, data in seen:
        assert (protocol, index) == (b"\x08\x00", LOOPBACK)
        assert before <= seconds * 10**9 + nanoseconds <= time.time_ns()
        assert data == data[:28] + b"hello".ljust(100, b"\0")


def test_the_filter_keeps_only_what_it_names(space: int) -> None:
    watching = tap(space, to_port(PORT))
    send(space, b"other", port=PORT + 1)
    assert list(watching.read()) == []
    send(space, b"ours")
    assert len(list(watching.read())) == 2
    watching.close()


def test_nothing_of_a_longer_packet_is_left_in_a_shorter_one(space: int) -> None:
    watching = tap(space, to_port(PORT))
    send(space, b"x" * 30)
    list(watching.read())
    send(space, b"")
    assert [record[8][28:].strip(b"\0") for record in watching.read()] == [b"", b""]
    watching.close()


def test_lengths_are_those_of_what_was_kept(space: int) -> None:
    watching = tap(space, to_port(PORT))
    send(space, b"x" * 7, b"x" * 1000)
    lengths = [length for length, _ in watching.read_with_lengths()]
    watching.close()
    assert lengths == [35, 35, 64, 64]


def test_more_than_one_batch_is_read_whole(space: int) -> None:
    watching = tap(space, to_port(PORT), slots=4)
    send(space, *(bytes([n]) for n in range(50)))
    assert [record[8][28] for record in watching.read()] == [n for n in range(50) for _ in "io"]
    assert watching.lost() == 0
    watching.close()


def test_what_overflows_is_counted_once(space: int) -> None:
    watching = tap(space, to_port(PORT), buffer=1)
    send(space, *[b"x"] * 500)
    seen = len(list(watching.read()))
    assert 0 < seen < 1000
    assert watching.lost() == 1000 - seen
    assert watching.lost() == 0
    watching.close()


def test_a_small_buffer_has_a_small_capacity(space: int) -> None:
    small, large = tap(space, buffer=1), tap(space)
    assert small.capacity < large.capacity
    send(space, *[b"x"] * (small.capacity // 2))
    assert small.lost() == 0
    close_all([small, large])


def test_interfaces_have_names_while_they_are_there(space: int) -> None:
    watching = tap(space)
    assert watching.interface_name(LOOPBACK) == "lo"
    assert watching.interface_name(99) == "if99"
    watching.close()


def test_cookies_tell_namespaces_apart(make_namespace: MakeNamespace) -> None:
    def cookie(space: int) -> bytes:
        with namespace.open_socket(space, socket.AF_INET, socket.SOCK_DGRAM) as there:
            return namespace_cookie(there)

    one, other = make_namespace(), make_namespace()
    assert cookie(one) == cookie(one)
    assert cookie(one) != cookie(other)


def test_many_taps_close_together(space: int) -> None:
    taps = [tap(space) for _ in range(20)]
    close_all(taps)
    assert {one.fileno() for one in taps} == {-1}
    close_all([])
