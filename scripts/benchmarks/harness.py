"""What every measure uses: C programs compiled, worker processes, alternation, a clean kernel."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anycastlab.lab.teardown import wait_cleaned

SOURCES = Path(__file__).parent
COMMAND = (sys.executable, "-m", "anycastlab")
"""The product's command line, without a console script between."""


@dataclass(frozen=True, slots=True)
class Bench:
    """One run of scripts/bench: where its files are, and how often to repeat what is compared."""

    directory: Path
    repetitions: int
    quick: bool = False

    def compile(self, name: str) -> Path:
        """Compile a C program of this folder, once."""
        program = self.directory / name
        if not program.exists():
            warnings = ("-Wall", "-Wextra", "-Werror")
            subprocess.run(
                ["gcc", "-O2", "-pthread", *warnings, "-o", program, SOURCES / f"{name}.c"],
                check=True,
            )
        return program

    def topology(self, shape: str, nodes: int, **options: int) -> Path:
        """Have the product generate a topology file, once; its lab is called like the file."""
        name = f"bench-{shape}-{nodes}"
        file = self.directory / f"{name}.yaml"
        if not file.exists():
            words = [word for key, value in options.items() for word in (f"--{key}", str(value))]
            text = output(*COMMAND, "generate", shape, "--nodes", str(nodes), *words)
            lines = text.splitlines()
            named = [f"name: {name}" if line.startswith("name:") else line for line in lines]
            file.write_text("\n".join(named) + "\n")
        return file

    def alternate(self, runs: Mapping[str, Callable[[], float]]) -> dict[str, list[float]]:
        """Run all of *runs* in turn, again and again, each on a kernel with nothing left to do.

        The first round only warms up.
        """
        found: dict[str, list[float]] = {name: [] for name in runs}
        for round_ in range(self.repetitions + 1):
            for name, run in runs.items():
                wait_cleaned()
                value = run()
                if round_:
                    found[name].append(value)
        wait_cleaned()
        return found


def output(*command: str | Path) -> str:
    """Run a program and return what it printed; its complaints are ours when it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"bench: {' '.join(map(str, command))} ended with status {done.returncode}")
    return done.stdout


def floor(*command: str | Path) -> dict[str, Any]:
    """Run a C program and return the JSON it printed."""
    found: dict[str, Any] = json.loads(output(*command))
    return found


def worker(function: Callable[..., Any], *arguments: str | int | Path) -> Any:
    """Call a function of this package in a process of its own, with texts; return what it did.

    What it returns travels as JSON.
    """
    call: Sequence[str] = [function.__module__, function.__name__, *map(str, arguments)]
    program = SOURCES / "worker.py"
    return json.loads(output(sys.executable, program, *call))
