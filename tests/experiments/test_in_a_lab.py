"""Experiments in real labs: real faults, real packets, and a network that is not as predicted."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from anycastlab.experiments.events import Event
from anycastlab.experiments.runner import Runner
from anycastlab.experiments.script import typed
from anycastlab.experiments.step import Context
from anycastlab.experiments.verdict import Outcome, Verdict
from anycastlab.lab.handle import Lab
from anycastlab.lab.record import lab_names
from anycastlab.probing.prober import Prober
from anycastlab.topology.load import Document
from tests.experiments.networks import FIGURE1, document, written

NAME = f"experiment-{os.getpid()}"

EVERY_STEP = """\
- catchment: {is: predicted}
- catchment: {group: A, is: {c1: s1, c2: [s2]}}
- expect: {from: all, to: A, instance: [s1, s2], exactly-one: true}
- expect: {from: c1, to: A, never: s2, for: 50ms}
- kill: s1
- expect: {from: c1, to: A, instance: s2, within: 1s}
- cut: [r1, r2]
- expect: {from: c1, to: A, instance: none}
- mend: [r1, r2]
- expect: {from: c1, to: A, instance: s2, within: 1s}
- revive: s1
- expect: {from: c1, to: A, instance: s1, within: 1s}
- set-cost: {link: [s1, r1], cost: [1, 30]}
- expect: {from: c1, to: A, instance: predicted, within: 1s}
- expect: {from: c1, to: A, instance: s2, within: 1s}
"""


def run(experiment: str, folder: Path) -> Verdict:
    """Run an experiment for real, under a name of its own."""
    file = folder / "lab.yaml"
    file.write_text(written(experiment, FIGURE1))

    def bring_up(loaded: Document) -> Lab:
        return Lab.launch(loaded.network, file, NAME)

    events: list[Event] = []
    return Runner(bring_up, Prober, events.append).run(document(experiment))


def test_every_step_works_on_real_packets(tmp_path: Path) -> None:
    verdict = run(EVERY_STEP, tmp_path)
    assert [step.outcome.differences for step in verdict.steps] == [()] * 15
    assert verdict.ok
    assert NAME not in lab_names()


@pytest.mark.parametrize(
    ("before", "wrong", "differs"),
    [
        ("", "expect: {from: c1, to: A, instance: s2}", "expected s2, received by s1, answered by"),
        ("", "expect: {from: c1, to: A, instance: none}", "expected nobody, received by s1"),
        ("", "expect: {from: c1, to: A, never: s1}", "expected never s1, received by s1"),
        ("", "expect: {from: c1, to: A, instance: s2, within: 50ms}", "received by s1"),
        ("cut: [c1, r1]", "expect: {from: c1, to: A, exactly-one: true}", "found 0"),
        ("cut: [c1, r1]", "expect: {from: c1, to: A, instance: s1}", "received by nobody"),
        ("kill: s1", "catchment: {is: {c1: s1}}", "expected s1, received by s2, answered by s2"),
        ("kill: s1", "kill: s1", "node 's1' is dead already"),
        ("", "revive: s1", "node 's1' is alive"),
        ("cut: [r2, r1]", "cut: [r1, r2]", "is cut already"),
        ("", "mend: [r1, r2]", "is not cut"),
        ("kill: c1", "expect: {from: c1, to: A, instance: s1}", "client 'c1' is dead"),
        ("kill: c1", "catchment: {clients: [c1, c2]}", "client 'c1' is dead"),
        ("kill: c1", "catchment: {is: {c1: none}}", "client 'c1' is dead"),
    ],
)
def test_a_step_that_is_wrong_fails_and_says_how(
    tmp_path: Path, before: str, wrong: str, differs: str
) -> None:
    verdict = run("\n".join(f"- {step}" for step in (before, wrong) if step), tmp_path)
    assert verdict.error is None
    *good, bad = verdict.steps
    assert all(step.ok for step in good)
    assert differs in bad.outcome.differences[0]


def ip(lab: Lab, node: str, *words: str) -> None:
    """Change something in a node behind the lab's back."""
    with lab.inside(node):
        subprocess.run(["ip", *words], check=True)


def step(lab: Lab, prober: Prober, verb: str, **argument: object) -> Outcome:
    """Run one step in a lab that is up."""
    return typed(verb, argument).run(Context(lab, prober))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the file of the topology."""
    file = tmp_path / "figure1.yaml"
    file.write_text(FIGURE1)
    return file


def test_a_route_changed_behind_the_labs_back_fails_the_catchment_and_is_named(
    leak_guard: None, file: Path
) -> None:
    with Lab.up(file, name=NAME) as lab, Prober(lab) as prober:
        assert step(lab, prober, "catchment").ok
        address = next(a for a in lab.network.groups["A"].addresses if a.version == 4)
        backbone = lab.network.links[-1]
        ip(lab, "r1", "route", "replace", f"{address}/32", "via", str(backbone.b.ipv4.ip))
        failed = step(lab, prober, "catchment")
        assert failed.differences == tuple(
            f"c1 → A, IPv4, {protocol}: expected s1 (predicted), received by s2, answered by s2"
            for protocol in ("ICMP", "TCP", "UDP")
        )


def test_a_mute_instance_is_received_but_not_answered(leak_guard: None, file: Path) -> None:
    with Lab.up(file, name=NAME) as lab, Prober(lab) as prober:
        ip(lab, "s1", "route", "add", "blackhole", f"{lab.network.nodes['c1'].ipv4}/32")
        argument = {"from": "c1", "to": "A", "family": 4, "protocol": "icmp"}
        failed = step(lab, prober, "expect", **argument, instance="s1")
        assert failed.differences == (
            "c1 → A, IPv4, ICMP: expected s1, received by s1, answered by nobody",
        )
