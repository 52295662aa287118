"""A lab of routing daemons: from nothing to every route it is to find."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.commands import take_down
from benchmarks.harness import COMMAND, Bench, output
from benchmarks.results import Row

ROUTERS, MEMBERS, CLIENTS = 100, 4, 4
LIMIT = 15.0
_ROUTING = """
routing:
  daemon: bird
  protocol: bgp
  timers: {hold: 30s, keepalive: 10s}  # all daemons start at once: none is to be given up meanwhile
"""


def measure(bench: Bench) -> Iterator[Row]:
    """Have every router speak eBGP; `up` returns when all kernel tables are as predicted."""
    nodes = ROUTERS + MEMBERS + CLIENTS
    plain = bench.topology("random", nodes, members=MEMBERS, clients=CLIENTS)
    file = bench.directory / "bench-bird.yaml"
    text = plain.read_text().replace(plain.stem, file.stem, 1)
    file.write_text(text + _ROUTING)
    taken = [_up(file) for _ in range(bench.repetitions)]
    yield Row.within("BIRD, eBGP, up and converged", ROUTERS, taken, LIMIT, "s")


def _up(file: Path) -> float:
    began = time.perf_counter()
    output(*COMMAND, "up", file)
    taken = time.perf_counter() - began
    take_down(file)
    return taken
