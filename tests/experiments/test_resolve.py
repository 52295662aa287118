"""The step ``resolve``: what it expects is so, or is told; mistakes at their places."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from anycastlab.errors import TopologyError
from anycastlab.experiments.load import load_checked
from anycastlab.experiments.runner import perform
from anycastlab.experiments.script import script
from anycastlab.experiments.step import Context
from anycastlab.lab.handle import Lab
from anycastlab.probing.prober import Prober
from tests.experiments.networks import document
from tests.lab.conftest import unique

EXPECTED = {
    "{from: c1, to: A}": None,
    "{from: c1, to: A, instance: s1}": None,
    "{from: c1, to: R, answer: refused}": None,
    "{from: c1, to: S, answer: silent, within: 100ms}": None,
    "{from: c1, to: A, instance: s2}": "expected an address of s2, it is s1's",
    "{from: c1, to: A, answer: refused}": "expected the answer to be refused, it was resolved",
    "{from: c1, to: A, answer: silent}": "expected the answer to be silent, it was resolved",
    "{from: c1, to: R, instance: s3}": "expected the answer to be resolved, it was refused",
    "{from: c1, to: S, within: 100ms}": "expected the answer to be resolved, it was silent",
}
TOPOLOGY = """\
nodes:
  r1: router
  c1: client
  s1: {role: server, run: &told [node-information: {allow: all}]}
  s2: {role: server, run: *told}
  s3: {role: server, run: [node-information]}
  s4: {role: server, run: [node-information: {refuse: silent}]}
links: [[c1, r1], [s1, r1], {endpoints: [s2, r1], cost: 5}, [s3, r1], [s4, r1]]
anycast: {A: {members: [s1, s2]}, R: {members: [s3]}, S: {members: [s4]}}
experiment:
"""


@pytest.fixture(scope="module")
def differences(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[str]]]:
    file: Path = tmp_path_factory.mktemp("resolve") / "lab.yaml"
    steps = "".join(f"  - resolve: {argument}\n" for argument in EXPECTED)
    file.write_text(f"name: {unique('resolve')}\n{TOPOLOGY}{steps}")
    loaded = load_checked(file)
    with Lab.launch(loaded.network, file) as lab, Prober(lab) as prober:
        outcomes = [perform(line, Context(lab, prober)).outcome for line in script(loaded)]
        yield {step: list(one.differences) for step, one in zip(EXPECTED, outcomes, strict=True)}


@pytest.mark.parametrize("step", EXPECTED)
def test_what_is_expected_is_so_or_told(differences: dict[str, list[str]], step: str) -> None:
    told = EXPECTED[step]
    assert differences[step] == ([] if told is None else [told])


@pytest.mark.parametrize(
    ("argument", "problem"),
    [
        ("{from: c9, to: A}", "19:21: unknown client 'c9'"),
        ("{from: s1, to: A}", "19:21: 's1' is a server, not a client"),
        ("{from: c1, to: B}", "19:29: unknown group 'B'"),
        ("{from: c1, to: A, instance: r1}", "'r1' is no member of A"),
        ("{from: c1, to: A, answer: maybe}", "expected resolved, refused or silent, not 'maybe'"),
        ("{from: c1, to: A, instance: s1, answer: silent}", "learnt only where the answer is"),
        ("{from: c1}", "'to' is missing"),
        ("{from: c1, to: A, within: soon}", "expected a time with its unit"),
    ],
)
def test_a_mistake_is_told_at_its_place(argument: str, problem: str) -> None:
    with pytest.raises(TopologyError) as caught:
        document(f"- resolve: {argument}")
    assert problem in str(caught.value)
    assert str(caught.value).startswith("lab.yaml:19:")
