"""The TCP server of components, on sockets of this very process and a loop of the test's own."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Event, Thread

import pytest

from anycastlab.components.base import Ready, Socket
from anycastlab.components.http import Http, HttpOptions
from anycastlab.components.identity import Identity, IdentityOptions
from anycastlab.components.tcp import TcpServer
from anycastlab.topology.load import load_text

Service = Callable[[type[TcpServer]], int]


class Here:
    """A place that is this process's own namespace."""

    node = "s1"
    network = load_text("name: here\nnodes: {s1: server}\n", "here.yaml").network

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector

    def socket(self, family: int, kind: int, protocol: int = 0) -> Socket:
        return socket.socket(family, kind, protocol)

    def watch(
        self, watched: Socket, ready: Ready, writable: bool = False, readable: bool = True
    ) -> None:
        events = readable * selectors.EVENT_READ | writable * selectors.EVENT_WRITE
        if watched.fileno() in self._selector.get_map():
            self._selector.modify(watched, events, ready)
        else:
            self._selector.register(watched, events, ready)

    def unwatch(self, watched: Socket) -> None:
        self._selector.unregister(watched)


def free_port() -> int:
    with socket.socket(socket.AF_INET6) as finder:
        finder.bind(("::", 0))
        return int(finder.getsockname()[1])


@pytest.fixture
def service() -> Iterator[Service]:
    """Run a component in a loop of its own; stop it and end the loop afterwards."""
    selector, ended, running = selectors.DefaultSelector(), Event(), list[TcpServer]()
    bell, rope = socket.socketpair()

    def loop() -> None:
        while not ended.is_set():
            for key, _ in selector.select():
                if key.data is not None:
                    key.data(key.fileobj)

    selector.register(bell, selectors.EVENT_READ, None)
    thread = Thread(target=loop)

    def start(kind: type[TcpServer]) -> int:
        port = free_port()
        options = HttpOptions(port=port) if kind is Http else IdentityOptions(port=port)
        component = kind()
        component.start(Here(selector), options)
        running.append(component)
        thread.start()
        return port

    yield start
    ended.set()
    rope.send(b"!")
    thread.join(timeout=10)
    for component in running:
        component.stop()
    for one in (bell, rope, selector):
        one.close()


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def test_http_closes_when_it_has_answered(service: Service) -> None:
    with connected(service(Http)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        heard = b""
        while data := client.recv(4096):
            heard += data
    assert heard.startswith(b"HTTP/1.1 200 OK\r\n")
    assert heard.endswith(b"\r\n\r\ns1\n")


def test_http_says_nothing_before_the_head_has_ended(service: Service) -> None:
    with connected(service(Http)) as client:
        client.sendall(b"GET / HTTP/1.1\r\n")
        client.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.recv(100)


def test_a_peer_that_never_reads_is_dropped(service: Service) -> None:
    with connected(service(Identity)) as deaf, pytest.raises(ConnectionError):
        for _ in range(1000):
            deaf.sendall(b"x" * 65536)


def test_a_peer_that_reads_is_not_dropped(service: Service) -> None:
    with connected(service(Identity)) as client:
        heard = client.recv(100)
        for _ in range(100):
            client.sendall(b"x" * 65536)
            received = 0
            while received < 65536:
                received += len(client.recv(65536))
    assert heard == b"s1\n"


def test_a_peer_that_says_no_more_and_does_not_read_keeps_nobody_busy() -> None:
    selector = selectors.DefaultSelector()
    component, port = Identity(), free_port()
    component.start(Here(selector), IdentityOptions(port=port))

    def loop(pause: float = 0) -> int:
        ready = selector.select(pause)
        for key, _ in ready:
            key.data(key.fileobj)
        return len(ready)

    with selector, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", port))
        client.setblocking(False)
        sent = 0
        while not any(key.events & selectors.EVENT_WRITE for key in selector.get_map().values()):
            with suppress(BlockingIOError):
                sent += client.send(b"x" * 65536)
            loop(0.01)
        client.shutdown(socket.SHUT_WR)
        assert any(loop(0.05) == 0 for _ in range(100)), "it is called again and again"
        heard, said, deadline = 0, b"?", time.monotonic() + 20
        while said and time.monotonic() < deadline:
            loop(0.01)
            with suppress(BlockingIOError):
                said = client.recv(65536)
                heard += len(said)
        assert heard == len("s1\n") + sent
        component.stop()


def test_a_stopped_service_resets_who_is_connected() -> None:
    selector = selectors.DefaultSelector()
    component, port = Identity(), free_port()
    component.start(Here(selector), IdentityOptions(port=port))
    with selector, connected(port) as client:
        for key, _ in selector.select():
            key.data(key.fileobj)
        assert client.recv(100) == b"s1\n"
        component.stop()
        with pytest.raises(ConnectionResetError):
            client.recv(100)
