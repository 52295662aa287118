"""What a running lab holds: kernel and user memory, and the supervisor's descriptors."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from anycastlab.lab.teardown import wait_cleaned
from benchmarks.commands import running
from benchmarks.harness import COMMAND, Bench, output
from benchmarks.results import Row

NODES = 1000
MEGABYTES_A_NODE = 0.5
DESCRIPTORS_A_NODE = 1.01
"""One, and the supervisor's own few."""

_HELD = ("Slab", "Percpu", "KernelStack", "PageTables", "AnonPages")


def measure(bench: Bench) -> Iterator[Row]:
    """The whole machine's memory before and during; the supervisor's files but for sockets."""
    file = bench.topology("tree", NODES)
    megabytes, descriptors = [], []
    for _ in range(bench.repetitions):
        wait_cleaned()
        before = _held_kilobytes()
        with running(file):
            megabytes.append((_held_kilobytes() - before) / 1024 / NODES)
            descriptors.append(_files_of_supervisor(file) / NODES)
    # the most: what the kernel keeps for reuse of an earlier lab makes a later one look small
    yield Row.within("memory a node", NODES, [max(megabytes)], MEGABYTES_A_NODE, "MB")
    yield Row.within("descriptors a node", NODES, descriptors, DESCRIPTORS_A_NODE, "")


def _held_kilobytes() -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    values = {name: int(rest.split()[0]) for name, rest in (line.split(":") for line in lines)}
    return sum(values[name] for name in _HELD)


def _files_of_supervisor(file: Path) -> int:
    """Open descriptors that are no sockets: those are the services'."""
    status = json.loads(output(*COMMAND, "status", file.stem, "--json"))
    folder = f"/proc/{status['supervisor']}/fd"
    targets = [os.readlink(f"{folder}/{entry}") for entry in os.listdir(folder)]
    return sum(not target.startswith("socket:") for target in targets)
