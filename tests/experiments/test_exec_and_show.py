"""The steps ``exec`` and ``show``, and the verb ``show``: real programs, a component's tables."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from anycastlab.errors import ProgramError, TopologyError, UsageError
from anycastlab.experiments.load import load_checked
from anycastlab.experiments.runner import perform
from anycastlab.experiments.script import script
from anycastlab.experiments.show import differences, excesses, shortages
from anycastlab.experiments.step import Context
from anycastlab.experiments.verdict import Outcome
from anycastlab.lab.execution import run
from anycastlab.lab.handle import Lab
from anycastlab.probing.prober import Prober
from tests.experiments.networks import FIGURE1, document, written
from tests.lab.conftest import unique

STEPS = """\
- exec: {node: c1, run: 'ping -c1 -W2 {A.4}; ping -c1 -W2 {s1.6}', output: [" 0% packet loss"]}
- exec: {node: c1, run: [ping, -c1, -W2, "{A.6}"], output: 1 received, never: unreachable}
- exec: {node: c1, run: exit 3}
- exec: {node: c1, run: exit 3, status: 3}
- exec: {node: c1, run: echo hello, output: [hello, goodbye], never: hell}
- exec: {node: c1, run: cat /dev/zero >/dev/null, within: 200ms}
- exec: {node: c1, run: 'ping -n -i0.01 -c60 {A.4}', status: null, apart: 100ms, when: icmp_seq=2,
    during: [{blackhole: {node: s1}}, {clear: {node: s1}}], never: " 0% packet loss"}
- show: {node: s1, component: identity}
- show: {node: s1, component: identity, is: {answers: 3}, within: 50ms}
- exec: {node: c1, run: ["{python}", -c, 'import anycastlab, aioquic; print(2 + 2)'], output: "4"}
- exec: {node: c1, run: echo hello, when: goodbye, during: [{kill: s1}]}
- exec: {node: c1, run: echo hello, before: 300ms,
    during: [{blackhole: {node: s1}}, {clear: {node: s1}}]}
"""


def anycastlab(words: list[str]) -> int:
    return subprocess.run([sys.executable, "-m", "anycastlab", *words], check=False).returncode


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Outcome]]:
    file: Path = tmp_path_factory.mktemp("exec") / "lab.yaml"
    file.write_text(written(STEPS, FIGURE1.replace("figure1", unique("exec"))))
    loaded = load_checked(file)
    with Lab.launch(loaded.network, file) as lab, Prober(lab) as prober:
        yield [perform(line, Context(lab, prober)).outcome for line in script(loaded)]
        assert anycastlab(["show", lab.name, "s1", "--json"]) == 0
        assert anycastlab(["show", lab.name, "s1", "--component", "identity"]) == 0
        assert anycastlab(["show", lab.name, "s1", "--component", "ident"]) == 2
        with pytest.raises(ProgramError, match="no program 'no-such-program'"):
            run(lab, "c1", ["no-such-program"], 1)
        with pytest.raises(UsageError, match="did you mean 'identity'"):
            lab.show("s1", "ident")


@pytest.mark.parametrize("step", [0, 1, 3, 6, 7, 9])
def test_what_ends_as_expected_passes(outcomes: list[Outcome], step: int) -> None:
    assert outcomes[step].differences == ()
    assert outcomes[step].data is not None


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (2, ["expected status 0, it ended with 3; it printed nothing"]),
        (
            4,
            [
                "expected it to print 'goodbye', it printed 'hello'",
                "expected it never to print 'hell', it printed 'hello'",
            ],
        ),
        (5, ["it did not end within 0.2 s; it printed nothing"]),
        (8, ["expected answers: 3, there is no answers"]),
        (10, ["it did not print 'goodbye', so nothing struck"]),
        (11, ["it was over before this struck: blackhole: {node: s1}"]),
    ],
)
def test_what_ends_otherwise_fails_and_says_how(
    outcomes: list[Outcome], step: int, told: list[str]
) -> None:
    assert list(outcomes[step].differences) == told


@pytest.mark.parametrize(
    ("argument", "problem"),
    [
        ("exec: {node: c9, run: x}", "unknown node 'c9'"),
        ("exec: {node: c1, run: 'ping {B.4}'}", "no node or group 'B'"),
        ("exec: {node: c1, run: x, output: '{s9.4}'}", "no node or group 's9'"),
        ("exec: {node: c1, run: []}", "expected a name or a list of names"),
        ("exec: {node: c1, run: x, during: [{kil: s1}]}", "did you mean 'kill'"),
        ("show: {node: s9, component: http}", "unknown node 's9'"),
        ("show: {node: s1, component: htp}", "no component 'htp'; did you mean 'http'?"),
    ],
)
def test_a_mistake_is_told_at_its_place(argument: str, problem: str) -> None:
    with pytest.raises(TopologyError) as caught:
        document(f"- {argument}")
    assert problem in str(caught.value)
    assert str(caught.value).startswith("lab.yaml:19:")


def test_what_a_table_holds_is_compared_key_by_key() -> None:
    held = json.loads('{"a": 1, "b": {"c": [1, 2], "d": 4}}')
    assert list(differences({"b": {"c": [1, 2]}}, held)) == []
    assert list(differences({"a": 2, "b": {"c": [1], "x": 0}}, held)) == [
        "expected a: 2, found 1",
        "expected b.c: [1], found [1, 2]",
        "expected b.x: 0, there is no b.x",
    ]


def test_numbers_are_held_to_the_most_that_is_allowed() -> None:
    held = json.loads('{"a": 1, "b": {"c": 4, "d": true, "e": null}}')
    assert list(excesses({"a": 1, "b": {"c": 4.5}}, held)) == []
    assert list(excesses({"a": 0, "b": {"c": 3, "d": 2, "e": 2, "x": 0}}, held)) == [
        "expected a: at most 0, found 1",
        "expected b.c: at most 3, found 4",
        "expected b.d: at most 2, found true",
        "expected b.e: at most 2, found null",
        "expected b.x: at most 0, there is no b.x",
    ]


def test_numbers_are_held_to_the_least_that_is_wanted() -> None:
    held = json.loads('{"a": 1, "b": {"c": 4}}')
    assert list(shortages({"a": 1, "b": {"c": 3}}, held)) == []
    assert list(shortages({"a": 2, "x": 0, "b": {"c": 5}}, held)) == [
        "expected a: at least 2, found 1",
        "expected x: at least 0, there is no x",
        "expected b.c: at least 5, found 4",
    ]
