"""scripts/bench: run the measures, print the table, write the JSON file."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from benchmarks import (
    commands,
    daemons,
    kernel_phase,
    memory,
    peers,
    probing,
    reconvergence,
    routes,
    streams,
    wires,
)
from benchmarks.harness import Bench
from benchmarks.results import HEADING, Row, write_json

Measure = Callable[[Bench], Iterator[Row]]

MEASURES: Mapping[str, Measure] = {
    "kernel": kernel_phase.measure,
    "up": commands.measure_up,
    "down": commands.measure_down,
    "routes": routes.measure,
    "probing": probing.measure,
    "reconvergence": reconvergence.measure,
    "stream": streams.measure,
    "wire": wires.measure,
    "memory": memory.measure,
    "bird": daemons.measure,
}


def main() -> int:
    """Run what was asked for; the status is 1 when a target was missed."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer sizes, fewer repetitions")
    parser.add_argument("--peers", action="store_true", help="also measure other emulators")
    parser.add_argument("--only", choices=[*MEASURES, "peers"], help="one measure")
    parser.add_argument("--json", type=Path, default=Path("results/bench.json"), metavar="FILE")
    options = parser.parse_args()
    chosen = {**MEASURES, "peers": peers.measure} if options.peers else dict(MEASURES)
    if options.only and options.only not in chosen:
        parser.error("the peers are installed and measured with --peers")
    if options.only:
        chosen = {options.only: chosen[options.only]}

    rows: list[Row] = []
    print(HEADING)
    with tempfile.TemporaryDirectory(dir="/run") as directory:
        bench = Bench(Path(directory), 3 if options.quick else 7, options.quick)
        for measure in chosen.values():
            for row in measure(bench):
                rows.append(row)
                print(row.text(), flush=True)
    write_json(options.json, rows)
    return 0 if all(row.ok for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
