"""The supervisor: the one process of a lab, init of its PID namespace.

It builds the network, holds every namespace by one descriptor, runs the built-in services, and
answers requests on the lab's socket. When it dies, all of the lab goes with it.
"""

from __future__ import annotations

import gc
import json
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from anycastlab.errors import AnycastlabError, UsageError
from anycastlab.kernel import namespace
from anycastlab.kernel.syscalls import set_process_name
from anycastlab.lab import names, planes
from anycastlab.lab.channel import encode_error, pack, send_descriptors
from anycastlab.lab.faults import Faults, find_node
from anycastlab.lab.services import Services
from anycastlab.lab.world import Progress, World
from anycastlab.topology.network import Network

READY_WITHIN = 30.0
"""Seconds until every readiness condition must hold."""

_LINE_LIMIT = 1 << 20


class Supervisor:
    """A running lab, seen from inside."""

    def __init__(self, network: Network, publish_as: int | None) -> None:
        """*publish_as* is the process number under which /run/netns names are made."""
        self._network = network
        self._pid = publish_as
        self._selector = selectors.DefaultSelector()
        self._world = World(network)
        self._plane = planes.make(self._world)
        self._services = Services(self._world, self._selector)
        self._faults = Faults(self._world, self._plane.reconverge)
        self._operations: Mapping[str, Callable[..., Any]] = {
            "status": self._status,
            "state": self._state,
            "kill": self._kill,
            "revive": self._revive,
            "cut": self._faults.cut,
            "mend": self._faults.mend,
            "set-cost": self._faults.set_cost,
        }

    # -- bring up -----------------------------------------------------------------------------

    def build(self, progress: Progress) -> None:
        """Make everything, and return when every readiness condition holds."""
        gc.disable()  # nothing made here is garbage
        self._world.open_workshop()
        self._world.build_namespaces(progress)
        progress("links", 0, len(self._network.links))
        self._world.build_links()
        self._world.configure()
        progress("routes", 0, len(self._network.nodes))
        self._plane.install()
        for name in self._world.namespaces:
            self._publish(name)
        self._services.start_all()
        progress("ready", 0, 1)
        self._world.wait_ready(time.monotonic() + READY_WITHIN)
        gc.freeze()
        gc.enable()

    def _publish(self, name: str) -> None:
        if self._pid is not None:
            entry = names.netns_name(self._network.name, name)
            names.publish(entry, self._pid, self._world.namespaces[name])

    # -- serve --------------------------------------------------------------------------------

    def serve(self, listener: socket.socket) -> None:
        """Answer requests and run the services, for ever."""
        set_process_name(f"al:{self._network.name}")
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ, self._accept)
        while True:
            for key, events in self._selector.select():
                key.data(key.fileobj, events)

    def _accept(self, listener: socket.socket, _events: int) -> None:
        connection, _ = listener.accept()
        connection.setblocking(True)
        connection.settimeout(5.0)  # a client that stops reading must not stop the lab
        buffer = bytearray()

        def readable(_socket: socket.socket, _events: int) -> None:
            try:
                if self._read(connection, buffer):
                    return
            except OSError:
                pass
            self._selector.unregister(connection)
            connection.close()

        self._selector.register(connection, selectors.EVENT_READ, readable)

    def _read(self, connection: socket.socket, buffer: bytearray) -> bool:
        data = connection.recv(1 << 16)
        buffer += data
        while (end := buffer.find(b"\n")) >= 0:
            line = bytes(buffer[:end])
            del buffer[: end + 1]
            self._answer(connection, line)
        return bool(data) and len(buffer) < _LINE_LIMIT

    def _answer(self, connection: socket.socket, line: bytes) -> None:
        request = _parse(line)
        operation = request.pop("do", None)
        try:
            if operation == "namespaces":
                self._hand_out(connection, request["nodes"])
                return
            if operation not in self._operations:
                raise UsageError(f"the supervisor knows no operation {operation!r}")
            answer = {"ok": self._operations[operation](**request)}
        except AnycastlabError as error:
            answer = encode_error(error)
        except OSError as error:
            answer = {"error": "HostError", "arguments": [f"{operation}: {error}", ""]}
        connection.sendall(pack(answer))

    def _hand_out(self, connection: socket.socket, nodes: list[str]) -> None:
        for node in nodes:
            find_node(self._network, node)
        alive = [node for node in nodes if node in self._world.namespaces]
        held = self._world.namespaces
        send_descriptors(connection, {"ok": alive}, [held[node] for node in alive])

    # -- operations ---------------------------------------------------------------------------

    def _status(self) -> dict[str, Any]:
        return {
            "nodes": {
                name: {
                    "role": node.role,
                    "alive": name in self._world.namespaces,
                    "services": self._services.running(name),
                }
                for name, node in self._network.nodes.items()
            },
            "inodes": [namespace.inode(held) for held in self._world.namespaces.values()],
            **self._state(),
        }

    def _state(self) -> dict[str, Any]:
        state = self._faults.state
        return {
            "dead": sorted(state.dead),
            "cut": sorted(state.cut),
            "costs": [[a, b, cost] for (a, b), cost in state.costs.items()],
        }

    def _kill(self, node: str) -> int:
        inode = self._faults.kill(node)
        self._services.stop(node)
        if self._pid is not None:
            names.withdraw([names.netns_name(self._network.name, node)], self._pid)
        return inode

    def _revive(self, node: str) -> int:
        changed = self._faults.revive(node)
        self._publish(node)
        self._services.start(node)
        self._world.wait_ready(time.monotonic() + READY_WITHIN)
        return changed


def _parse(line: bytes) -> dict[str, Any]:
    try:
        request = json.loads(line)
    except ValueError:
        return {}
    return request if isinstance(request, dict) else {}


def become_init() -> None:
    """Take the signals of an init process: end on TERM, reap every orphan."""

    def reap(_number: int, _frame: object) -> None:
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass

    signal.signal(signal.SIGCHLD, reap)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(ignored, signal.SIG_IGN)
