"""One socket hears what happens in the namespaces it watches, and in no others."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from anycastlab.kernel import messages
from anycastlab.kernel.monitor import Event, Monitor
from anycastlab.kernel.namespace import open_socket
from anycastlab.kernel.netlink import Netlink


@pytest.fixture
def monitor() -> Iterator[Monitor]:
    listening = Monitor()
    yield listening
    listening.close()


def watch(monitor: Monitor, name: str, namespace: int) -> None:
    with open_socket(namespace, socket.AF_INET, socket.SOCK_DGRAM) as there:
        monitor.watch(name, there)


def raise_loopback(namespace: int) -> None:
    with Netlink(namespace) as there:
        there.send([messages.link_up(messages.LOOPBACK)])


def heard(monitor: Monitor, count: int) -> list[Event]:
    """Wait until so many events have been heard, or five seconds; stop listening."""
    deadline = time.monotonic() + 5
    while len(list(monitor.events())) < count and time.monotonic() < deadline:
        select.select([], [], [], 0.01)
    monitor.stop()
    return list(monitor.events())


def test_events_carry_the_name_of_their_namespace_and_the_time(
    monitor: Monitor, make_namespace: Callable[[], int]
) -> None:
    one, two, foreign = make_namespace(), make_namespace(), make_namespace()
    watch(monitor, "one", one)
    watch(monitor, "two", two)
    monitor.start()
    before = time.time_ns()
    for namespace in (foreign, two, one):
        raise_loopback(namespace)
    found = heard(monitor, 2)
    links = [event.name for event in found if event.kind == messages.NEWLINK]
    assert list(dict.fromkeys(links)) == ["two", "one"]
    assert all(before < event.stamp <= time.time_ns() for event in found)
    assert not monitor.lost


def test_a_namespace_can_be_watched_later(
    monitor: Monitor, make_namespace: Callable[[], int]
) -> None:
    monitor.start()
    late = make_namespace()
    watch(monitor, "late", late)
    raise_loopback(late)
    assert {event.name for event in heard(monitor, 1)} == {"late"}


def test_watching_a_namespace_does_not_keep_it_nor_leave_anything(
    leak_guard: None, make_namespace: Callable[[], int]
) -> None:
    listening = Monitor()
    watch(listening, "one", make_namespace())
    listening.start()
    listening.close()
