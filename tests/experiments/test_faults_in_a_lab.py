"""Every fault strikes a real lab, and an expectation that denies its effect fails."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from anycastlab.experiments.registry import FAULTS
from tests.lab.conftest import unique

TOPOLOGY = """\
nodes: {r1: router, r2: router, c1: client, s1: server, s2: server}
links:
  - [c1, r1]
  - {endpoints: [s1, r1], delay: 1ms}
  - {endpoints: [r1, r2], cost: 5}
  - [s2, r2]
anycast: {A: {addresses: [192.0.2.1], members: [s1, s2]}}
experiment:
"""
ASK = "from: c1, to: A, protocol: udp"
CASES: dict[str, tuple[list[str], str]] = {
    "kill": (["kill: s1"], "s2"),
    "revive": (["kill: s1", "revive: s1"], "s1"),
    "cut": (["cut: [r1, s1]"], "s2"),
    "mend": (["cut: [r1, s1]", "mend: [r1, s1]"], "s1"),
    "set-cost": (["set-cost: {link: [r1, s1], cost: 50}"], "s2"),
    "impair": (["impair: {link: [r1, s1], loss: 100%}"], "none"),
    "restore": (["impair: {link: [r1, s1], loss: 100%}", "restore: [r1, s1]"], "s1"),
    "blackhole": (["blackhole: {node: s1}"], "none"),
    "clear": (["blackhole: {node: s1}", "clear: {node: s1}"], "s1"),
    "stop-service": (["stop-service: s1", "withdraw: s1"], "s2"),
    "start-service": (["stop-service: s1", "start-service: s1"], "s1"),
    "withdraw": (["withdraw: s1"], "s2"),
    "announce": (["withdraw: s1", "announce: s1"], "s1"),
    "drain": (["drain: {member: s1, within: 200ms}"], "s2"),
    "flap": (["flap: {fault: {kill: s1}, period: 60ms, count: 2}"], "s1"),
}


def run(folder: Path, faults: list[str], instance: str) -> tuple[int, dict[str, Any]]:
    file = folder / "faults.yaml"
    steps = [*faults, f"expect: {{{ASK}, instance: {instance}}}"]
    lines = "".join(f"  - {step}\n" for step in steps)
    file.write_text(f"name: {unique('faults')}\n{TOPOLOGY}{lines}")
    done = subprocess.run(
        [sys.executable, "-m", "anycastlab", "run", "--json", str(file)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, json.loads(done.stdout)


def test_every_fault_is_tried_here() -> None:
    assert set(CASES) == set(FAULTS)


@pytest.mark.parametrize("verb", CASES)
def test_a_fault_does_what_it_says(tmp_path: Path, verb: str) -> None:
    faults, instance = CASES[verb]
    status, document = run(tmp_path, faults, instance)
    assert status == 0, document
    assert all(step["ok"] for step in document["topologies"][0]["steps"])


@pytest.mark.parametrize("verb", CASES)
def test_denying_what_a_fault_does_fails(tmp_path: Path, verb: str) -> None:
    faults, instance = CASES[verb]
    wrong = "s2" if instance == "s1" else "s1"
    status, document = run(tmp_path, faults, wrong)
    assert status == 1
    steps = document["topologies"][0]["steps"]
    assert [step["ok"] for step in steps] == [True] * len(faults) + [False]
