"""The verbs `up` and `down` as a user starts them, process start and imports included."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.harness import COMMAND, Bench, output, worker
from benchmarks.kernel_phase import c_floor
from benchmarks.results import Row

LARGE, SMALL = 1000, 10
UP_LIMIT, SMALL_UP_LIMIT = 2.5, 1.5
DOWN_LIMIT, FREED_LIMIT = 10.0, 1.0

_IMPORT_ALL = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)"


def measure_up(bench: Bench) -> Iterator[Row]:
    """A large lab beside the C program; a small one beside the imports it needs."""
    for shape in ("tree", "ring"):
        file = bench.topology(shape, LARGE)
        found = bench.alternate({"ours": partial(_up, file), "C": c_floor(bench, file)})
        yield Row.at_most(f"anycastlab up, {shape}", LARGE, found["ours"], found["C"], UP_LIMIT)
    file = bench.topology("tree", SMALL)
    imported = worker(modules_of_up, file)
    take_down(file)
    found = bench.alternate(
        {"ours": lambda: _up(file), "imports": lambda: _timed(_import_all(imported))}
    )
    yield Row.at_most(
        "anycastlab up", SMALL, found["ours"], found["imports"], SMALL_UP_LIMIT, "imports"
    )


def measure_down(bench: Bench) -> Iterator[Row]:
    """What `down` takes beyond a process that has nothing to take down; the kernel's own part."""
    file = bench.topology("tree", LARGE)
    found = bench.alternate(
        {"down": lambda: _down(file), "nothing": lambda: _timed(_down_of(file))}
    )
    extra = [one - median(found["nothing"]) for one in found["down"]]
    yield Row.within("anycastlab down, beyond process start", LARGE, extra, DOWN_LIMIT, "ms")
    freed = bench.alternate({"freed": lambda: _freed(file) * 1e3 / LARGE})
    yield Row.within(
        "kernel clean-up a node, down --wait", LARGE, freed["freed"], FREED_LIMIT, "ms"
    )


def modules_of_up(file: str) -> list[str]:
    """Bring the lab up in this process; return what had to be imported, in order."""
    from anycastlab.cli.main import run

    before = set(sys.modules)
    with redirect_stdout(sys.stderr):
        run(["up", file])
    return [name for name in sys.modules if name not in before and name != "__main__"]


@contextmanager
def running(file: Path) -> Iterator[None]:
    """The lab of a file, up; down afterwards."""
    output(*COMMAND, "up", file)
    try:
        yield
    finally:
        take_down(file)


def take_down(file: Path) -> None:
    """Take the lab of a file down."""
    output(*_down_of(file))


def _down_of(file: Path) -> tuple[str, ...]:
    return (*COMMAND, "down", file.stem)


def _import_all(names: list[str]) -> tuple[str, ...]:
    return (sys.executable, "-c", _IMPORT_ALL, *names)


def _timed(command: tuple[str, ...]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return (time.perf_counter() - began) * 1e3


def _up(file: Path) -> float:
    taken = _timed((*COMMAND, "up", str(file)))
    take_down(file)
    return taken


def _down(file: Path) -> float:
    output(*COMMAND, "up", file)
    return _timed(_down_of(file))


def _freed(file: Path) -> float:
    output(*COMMAND, "up", file)
    return float(json.loads(output(*_down_of(file), "--wait", "--json"))["freed_seconds"])
