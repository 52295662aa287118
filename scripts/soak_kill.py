"""Kill `anycastlab up`, or the lab's supervisor, at random moments; `down` must leave no residue.

Each round starts the real command, waits a random part of the time a whole `up` takes, kills one of
the two processes, runs `down`, and compares what is there with what was there before: names in
/run/netns, state directories, processes of the lab, and network namespaces.
"""

from __future__ import annotations

import argparse
import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from anycastlab.lab.record import LabDirectory, base_directory
from anycastlab.lab.teardown import wait_cleaned
from anycastlab.topology.generate import generate

LAB = f"soak-{time.time_ns() % 10**9}"
COMMAND = [sys.executable, "-m", "anycastlab"]


def namespaces() -> set[str]:
    """Every network namespace that some process here is in or holds."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                found.add(os.readlink(entry / "ns/net"))
                held = [os.readlink(fd) for fd in (entry / "fd").iterdir()]
            except OSError:
                continue
            found.update(target for target in held if target.startswith("net:["))
    return found


def residue(before: set[str]) -> list[str]:
    """What is left of the lab."""
    left = [f"name {p}" for p in Path("/run/netns").glob(f"{LAB}.*")]
    if (base_directory() / LAB).exists():
        left.append(f"state {base_directory() / LAB}")
    if extra := namespaces() - before:
        left.append(f"{len(extra)} namespaces")
    return left


def pause(seconds: float) -> None:
    """Let time pass, to strike at a random moment."""
    select.select([], [], [], seconds)


def strike(rng: random.Random, file: str, whole: float) -> str:
    """One round: start, wait, kill. Returns what was killed, and at which state."""
    up = subprocess.Popen(
        [*COMMAND, "up", file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    if rng.random() < 0.5:
        pause(rng.uniform(0, whole * 1.2))
    else:  # the busiest time is short: aim at it
        while not LabDirectory(LAB).path.exists() and up.poll() is None:
            pause(0.001)
        pause(rng.uniform(0, whole / 4))
    victim = rng.choice(("up", "supervisor"))
    record = LabDirectory(LAB).read()
    if victim == "supervisor" and record is not None and record.supervisor is not None:
        record.supervisor.kill()
    else:
        victim = "up"
        up.send_signal(signal.SIGKILL)
    state = "no state yet" if record is None else "ready" if record.ready else "coming up"
    if victim == "up":
        up.wait()
    else:
        try:
            up.wait(timeout=30)
        except subprocess.TimeoutExpired:
            up.kill()
            return "HANG: up did not notice that its supervisor died"
    return f"{victim} killed, {state}"


def measure(file: str) -> float:
    """Seconds a whole `up` takes here."""
    began = time.monotonic()
    subprocess.run([*COMMAND, "up", file], check=True, stdout=subprocess.DEVNULL)
    seconds = time.monotonic() - began
    subprocess.run([*COMMAND, "down", LAB], check=True, stdout=subprocess.DEVNULL)
    return seconds


def main() -> int:
    """Run the rounds; 0 when every one ended clean."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rounds", nargs="?", type=int, default=500)
    parser.add_argument("--nodes", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng, outcomes, dirty = random.Random(options.seed), Counter[str](), 0
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder, "soak.yaml"))
        text = generate("ring", options.nodes, 3, 6)
        lines = [f"name: {LAB}" if line.startswith("name:") else line for line in text.splitlines()]
        Path(file).write_text("\n".join(lines) + "\n")
        whole = measure(file)
        wait_cleaned()
        before = namespaces()
        for number in range(options.rounds):
            outcome = strike(rng, file, whole)
            subprocess.run([*COMMAND, "down", LAB], check=True, stdout=subprocess.DEVNULL)
            left = residue(before)
            outcomes["clean: " + outcome if not left else "DIRTY: " + outcome] += 1
            if left or outcome.startswith("HANG"):
                dirty += 1
                print(f"round {number}: {outcome}: {'; '.join(left)}", flush=True)
    for outcome, count in sorted(outcomes.items()):
        print(f"{count:5}  {outcome}")
    print(f"{options.rounds - dirty} of {options.rounds} clean")
    return 1 if dirty else 0


if __name__ == "__main__":
    sys.exit(main())
