"""The kernel phase of `up` beside a C program that carries out the same plan."""

from __future__ import annotations

import gc
import os
import resource
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from anycastlab.lab import names
from anycastlab.lab.multipath import writers
from anycastlab.lab.names import netns_name
from anycastlab.lab.world import World
from anycastlab.routing.forwarding import forwarding
from anycastlab.topology.load import load
from benchmarks.harness import Bench, floor, worker
from benchmarks.plan import write_plan
from benchmarks.results import Row

LIMIT = 1.3
SIZES = (100, 500, 1000, 2000)


def measure(bench: Bench) -> Iterator[Row]:
    """Trees and rings of several sizes."""
    for shape in ("tree", "ring"):
        for nodes in SIZES[:2] if bench.quick else SIZES:
            file = bench.topology(shape, nodes)
            found = bench.alternate(
                {"ours": partial(worker, bring_up, file), "C": c_floor(bench, file)}
            )
            yield Row.at_most(
                f"kernel phase of up, {shape}", nodes, found["ours"], found["C"], LIMIT
            )


def c_floor(bench: Bench, file: Path) -> Callable[[], float]:
    """Prepare the C program for a topology file; the function returned runs it once (ms)."""
    plan = file.with_suffix(".plan")
    if not plan.exists():
        worker(make_plan, file, plan)
    program = bench.compile("floor")
    names.DIRECTORY.mkdir(exist_ok=True)
    return lambda: floor(program, plan, names.DIRECTORY)["total"]


def make_plan(file: str, plan: str) -> None:
    """Write the plan of a topology file."""
    write_plan(load(file).network, Path(plan))


def bring_up(file: str) -> float:
    """Bring a network up as the supervisor does; return the milliseconds of the kernel phase."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    network = load(file).network
    world = World(network)
    tables, routes = forwarding(network), writers(network)
    entries = [netns_name(network.name, name) for name in network.nodes]
    gc.disable()
    try:
        began = time.perf_counter()
        world.open_workshop()
        world.build_namespaces(lambda *_: None)
        world.build_links()
        world.configure()
        for name, table in tables.items():
            world.send(name, routes[name].put(table))
        for entry, descriptor in zip(entries, world.namespaces.values(), strict=True):
            names.publish(entry, os.getpid(), descriptor)
        return (time.perf_counter() - began) * 1e3
    finally:
        names.withdraw(entries, os.getpid())
