"""From the death of a server to the last changed route, and what a stream of probes loses."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
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

SIZES, ROUTERS = (100, 200, 1000), 200
MEMBERS, CLIENTS, GROUPS = 10, 20, 10
LIMIT, WINDOW_LIMIT = 3.0, 2.0
_LONGEST_PAUSE, _ATTEMPTS = 1.0, 40


def measure(bench: Bench) -> Iterator[Row]:
    """Kill servers in a lab of one process, and time what follows."""
    install, plan = bench.compile("install"), bench.directory / "install.plan"
    for size in SIZES[:2] if bench.quick else SIZES:
        found = worker(reconverge, _file(bench, size), install, plan, bench.repetitions)
        yield Row.at_most("kill to last changed route", size, found["ours"], found["C"], LIMIT)
    stream = bench.compile("stream")
    windows = worker(windows_of, _file(bench, ROUTERS), stream, bench.repetitions)
    yield Row.within("blackhole window, probe every 0.2 ms", ROUTERS, windows, WINDOW_LIMIT, "ms")


def _file(bench: Bench, routers: int) -> Path:
    nodes = routers + MEMBERS + CLIENTS
    return bench.topology("random", nodes, members=MEMBERS, clients=CLIENTS, groups=GROUPS)


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
    """Kill the server that a client is probing, for one client after the other (ms).

    The lab and the prober have a processor each. A prober that was kept from its own when the
    server died has lost nothing, or cannot tell for how long: that run does not count.
    """
    mine, *others = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {mine})
    command = ["taskset", "-c", str(others[0] if others else mine), program]
    lab, windows = _Lab(file), list[float]()
    clients = lab.network.role("client")
    for at in range(int(times) * _ATTEMPTS):
        found = lab.stream(clients[at % len(clients)], command)
        if found["lost"] and found["pause"] <= _LONGEST_PAUSE:
            windows.append(found["window"])
        if len(windows) == int(times):
            return windows
    sys.exit(
        f"the prober was kept waiting in all but {len(windows)} of {int(times) * _ATTEMPTS} runs"
    )


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

    def stream(self, client: str, program: list[str]) -> dict[str, float]:
        """Kill the instance of a client's stream of probes; return what the C program found."""
        group = next(iter(self.network.groups.values()))
        (server, *_) = predict(self.network)[client, group.name]
        destination = next(str(one) for one in group.addresses if one.version == 4)
        source = str(self.network.nodes[client].ipv4)
        command = [*program, self._world.path(client), source, destination]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as prober:
            assert prober.stdin is not None
            assert prober.stdout is not None
            assert prober.stdout.readline() == "ready\n"
            self.faults.kill(server)
            prober.stdin.close()
            found: dict[str, float] = json.loads(prober.stdout.read())
        self.faults.revive(server)
        self.settle()
        return found
