"""Kill and revive nodes of one lab again and again: the catchment is as predicted, nothing leaks.

Each cycle kills a router or member, compares every client's catchment with the prediction, revives
it and compares again. After the first cycles, and after the last, it counts what the lab's and its
own processes hold: processes, namespaces, descriptors, memory. (With --routing bird or frr, daemons
have a minute to converge.)
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from dataclasses import astuple, dataclass
from pathlib import Path

from anycastlab.census import adopting_orphans, descendants, namespaces
from anycastlab.experiments.catchment import Catchment
from anycastlab.experiments.step import Context
from anycastlab.lab.handle import Lab
from anycastlab.lab.teardown import wait_cleaned
from anycastlab.probing.prober import Prober
from anycastlab.topology.generate import generate

NAME = f"soak-faults-{os.getpid()}"
WARM = 20
"""Cycles after which everything that is kept for later use is there."""
LEAST = 10
"""Nodes of a ring with three members and four clients."""
MAY_GROW = 2.0
"""MB: what an allocator may keep besides, over all cycles."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the lab's processes and this one hold."""

    processes: int
    namespaces: int
    descriptors: int
    megabytes: float

    @classmethod
    def count(cls) -> Held:
        """Count now, when the kernel has freed what was let go before."""
        wait_cleaned()
        everyone = [os.getpid(), *descendants()]
        return cls(
            len(everyone),
            len(namespaces(everyone)),
            sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in everyone),
            sum(resident(pid) for pid in everyone),
        )

    def leaked_since(self, before: Held) -> bool:
        """Whether there is more of anything."""
        counts = zip(astuple(self)[:3], astuple(before)[:3], strict=True)
        grown = self.megabytes - before.megabytes > MAY_GROW
        return grown or any(now > then for now, then in counts)

    def __str__(self) -> str:
        return (
            f"{self.processes} processes, {self.namespaces} namespaces, "
            f"{self.descriptors} descriptors, {self.megabytes:.1f} MB"
        )


def resident(pid: int) -> float:
    """A process's own memory in MB: what it shares with nobody, files not counted."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    return 0.0


def compared(context: Context, when: str) -> int:
    """Compare catchment and prediction; 1 and a line when they differ."""
    step = Catchment.model_validate({"within": "60s"})
    outcome = step.run(context)
    if not outcome.ok:
        print(f"{when}: {'; '.join(outcome.differences[:3])}", flush=True)
    return int(not outcome.ok)


def soak(lab: Lab, cycles: int, dice: random.Random) -> int:
    """Do all cycles; return how many comparisons failed, and 1 more for a leak."""
    victims = [name for name, node in lab.network.nodes.items() if node.role != "client"]
    failures, before = 0, None
    with Prober(lab) as prober:
        context = Context(lab, prober)
        for number in range(1, cycles + 1):
            victim = dice.choice(victims)
            lab.kill(victim)
            failures += compared(context, f"cycle {number}, {victim} is dead")
            lab.revive(victim)
            failures += compared(context, f"cycle {number}, {victim} is back")
            if number == min(WARM, cycles // 2):
                before = Held.count()
                print(f"after {number:3} cycles: {before}", flush=True)
        after = Held.count()
        print(f"after {cycles:3} cycles: {after}", flush=True)
    assert before is not None
    return failures + after.leaked_since(before)


def main() -> int:
    """Soak; 0 when every catchment was as predicted and nothing leaked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cycles", nargs="?", type=int, default=200)
    parser.add_argument("--nodes", type=int, default=20)
    parser.add_argument("--routing", choices=("kernel", "bird", "frr"), default="kernel")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.cycles < 2 or options.nodes < LEAST:
        parser.error(f"2 cycles and {LEAST} nodes at the least")
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, adopting_orphans():
        file = Path(folder, "soak.yaml")
        network = generate("ring", options.nodes, 3, 4)
        file.write_text(f"{network}\nrouting: {options.routing}\n")
        with Lab.up(file, name=NAME) as lab:
            failures = soak(lab, options.cycles, random.Random(options.seed))
    seconds = time.monotonic() - began
    print(f"{options.cycles} cycles in {seconds:.0f} s: {'clean' if not failures else 'FAILED'}")
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
