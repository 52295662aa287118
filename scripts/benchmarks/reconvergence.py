"""From the death of a server to the last changed route, and what a stream of probes loses."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from anycastlab.lab.faults import Faults
from anycastlab.lab.planes.kernel import KernelPlane
from anycastlab.lab.world import World
from anycastlab.routing.catchment import predict
from anycastlab.routing.state import NetworkState
from anycastlab.topology.load import load
from benchmarks.harness import Bench, floor, worker
from benchmarks.plan import counted, number, text
from benchmarks.results import Row

ROUTERS, MEMBERS, CLIENTS, GROUPS = 200, 10, 20, 10
LIMIT, WINDOW_LIMIT = 3.0, 2.0


def measure(bench: Bench) -> Iterator[Row]:
    """Kill servers in a lab of one process, and time what follows."""
    nodes = ROUTERS + MEMBERS + CLIENTS
    file = bench.topology("random", nodes, members=MEMBERS, clients=CLIENTS, groups=GROUPS)
    plan = bench.directory / "install.plan"
    found = worker(reconverge, file, bench.compile("install"), plan, bench.repetitions)
    yield Row.at_most("kill to last changed route", ROUTERS, found["ours"], found["C"], LIMIT)
    windows = worker(windows_of, file, bench.compile("stream"), bench.repetitions)
    yield Row.within("blackhole window, probe every 0.2 ms", ROUTERS, windows, WINDOW_LIMIT, "ms")


def reconverge(file: str, install: str, plan: str, times: str) -> dict[str, list[float]]:
    """Kill and revive servers; the lab and the C program install the routes in turn (ms)."""
    lab = _Lab(file)
    found: dict[str, list[float]] = {"ours": [], "C": []}
    servers = lab.network.role("server")
    for at in range(int(times) + 1):
        for way, milliseconds in found.items():
            by_c = (install, Path(plan)) if way == "C" else None
            taken = lab.kill(servers[at % len(servers)], by_c)
            lab.faults.revive(servers[at % len(servers)])
            lab.settle()
            if at:  # the first round warms up
                milliseconds.append(taken)
    return found


def windows_of(file: str, program: str, times: str) -> list[float]:
    """Kill the server that a client is probing, for one client after the other (ms)."""
    lab = _Lab(file)
    clients = lab.network.role("client")
    return [lab.window(clients[at % len(clients)], program) for at in range(int(times))]


class _RecordingWorld(World):
    """A world that can write down what it is told to send after a fault."""

    recorded: dict[str, bytes] | None = None
    sent = 0.0

    def send_each(
        self, batches: Iterable[tuple[str, Sequence[bytes]]], tolerate: Iterable[int] = ()
    ) -> None:
        """Send and note when it was done, or write down what to send."""
        if self.recorded is None:
            super().send_each(batches, tolerate)
            self.sent = time.perf_counter()
        else:
            for name, chunks in batches:
                self.recorded[name] = self.recorded.get(name, b"") + b"".join(chunks)

    def path(self, node: str) -> str:
        """A node's namespace, for another process."""
        return f"/proc/{os.getpid()}/fd/{self.namespaces[node]}"


class _TimedPlane(KernelPlane):
    """A control plane that can let C install the routes.

    ``by_c`` is the C program and its plan; ``c_took`` are the milliseconds it told.
    """

    def __init__(self, world: _RecordingWorld) -> None:
        super().__init__(world)
        self._recorder = world
        self.by_c: tuple[str, Path] | None = None
        self.c_took = 0.0

    def reconverge(self, state: NetworkState) -> int:
        if self.by_c is None:
            return super().reconverge(state)
        program, plan = self.by_c
        batches: dict[str, bytes] = {}
        self._recorder.recorded = batches
        changed = super().reconverge(state)
        self._recorder.recorded = None
        parts = [number(len(batches))]
        for node, batch in batches.items():
            parts += [text(self._recorder.path(node)), counted(batch)]
        plan.write_bytes(b"".join(parts))
        self.c_took = float(floor(program, plan)["total"])
        return changed


class _Lab:
    """A lab in this process, built and broken as its supervisor does."""

    def __init__(self, file: str) -> None:
        self.network = load(file).network
        self._world = _RecordingWorld(self.network)
        self._plane = _TimedPlane(self._world)
        self.faults = Faults(self._world, self._plane)
        self._plane.prepare()
        self._world.open_workshop()
        self._world.build_namespaces(lambda *_: None)
        self._world.build_links()
        self._world.configure()
        self._plane.install()
        self._world.wait_ready(time.monotonic() + 30)
        self.settle()

    def settle(self) -> None:
        """Do what the supervisor does while nobody asks for anything."""
        while self._plane.settle():
            pass
        gc.collect()
        gc.freeze()

    def kill(self, server: str, by_c: tuple[str, Path] | None = None) -> float:
        """Kill a node. Return the milliseconds until all routes are installed, or what C took."""
        self._plane.by_c = by_c
        began = time.perf_counter()
        self.faults.kill(server)
        self._plane.by_c = None
        return self._plane.c_took if by_c else (self._world.sent - began) * 1e3

    def window(self, client: str, program: str) -> float:
        """Kill the instance of a client's stream of probes; return the longest gap (ms)."""
        group = next(iter(self.network.groups.values()))
        (server, *_) = predict(self.network)[client, group.name]
        destination = next(str(one) for one in group.addresses if one.version == 4)
        source = str(self.network.nodes[client].ipv4)
        command = [program, self._world.path(client), source, destination]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as prober:
            assert prober.stdin is not None
            assert prober.stdout is not None
            assert prober.stdout.readline() == "ready\n"
            self.faults.kill(server)
            prober.stdin.close()
            found = json.loads(prober.stdout.read())
        self.faults.revive(server)
        self.settle()
        return float(found["window"])
