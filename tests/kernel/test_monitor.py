"""One socket hears what happens in the namespaces it watches, and in no others."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Iterable, Iterator

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


def heard(monitor: Monitor, *names: str) -> list[Event]:
    """Wait until links of all these have been heard of, or five seconds; stop listening."""
    deadline = time.monotonic() + 5
    while not {*names} <= set(links(monitor.events())) and time.monotonic() < deadline:
        select.select([], [], [], 0.01)
    monitor.stop()
    return list(monitor.events())


def links(events: Iterable[Event]) -> list[str]:
    """Name the namespaces with events of links, in order."""
    names = [event.name for event in events if event.kind == messages.NEWLINK]
    return list(dict.fromkeys(names))


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
    found = heard(monitor, "one", "two")
    assert links(found) == ["two", "one"]
    assert all(before < event.stamp <= time.time_ns() for event in found)
    assert not monitor.lost


def test_a_namespace_can_be_watched_later(
    monitor: Monitor, make_namespace: Callable[[], int]
) -> None:
    monitor.start()
    late = make_namespace()
    watch(monitor, "late", late)
    raise_loopback(late)
    assert {event.name for event in heard(monitor, "late")} == {"late"}


def test_watching_a_namespace_does_not_keep_it_nor_leave_anything(
    leak_guard: None, make_namespace: Callable[[], int]
) -> None:
    listening = Monitor()
    watch(listening, "one", make_namespace())
    listening.start()
    listening.close()
