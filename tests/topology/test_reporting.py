"""The reporter: right places, known keys, and no second message about one mistake."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from anycastlab.errors import TopologyError
from anycastlab.topology.load import load_text
from anycastlab.topology.models import Topology
from anycastlab.topology.positions import Path
from anycastlab.topology.problems import Problems
from anycastlab.topology.reporter import Reporter, known_keys
from anycastlab.topology.source import parse

from .texts import EVERYTHING, SMALL, complaints, loaded


@pytest.mark.parametrize(
    ("path", "line", "value", "key"),
    [
        ((), 1, "name: everything", "name: everything"),
        (("name",), 1, "everything", "name:"),
        (("nodes", "r1"), 4, "router", "r1:"),
        (("nodes", "r1", "role"), 4, "router", "r1:"),
        (("nodes", "r2", "label"), 5, "Second", "label:"),
        (("nodes", "r2", "addresses", 0), 5, "10.0.0.2", "addresses:"),
        (("nodes", "s1", "run", 1, "dns", "port"), 7, "53", "port:"),
        (("nodes", "s1", "run", 0, "http", "port"), 7, "http", "http"),
        (("links", 0), 10, "[c1, r1]", "[c1, r1]"),
        (("links", 0, "endpoints", 1), 10, "r1]", "r1]"),
        (("links", 1, "endpoints", 1), 11, "r2], cost", "r2], cost"),
        (("links", 1, "cost", 1), 11, "20]", "20]"),
        (("links", 2, "cost", 0), 12, "3, subnet", "cost:"),
        (("anycast", "B", "members", "s1", "prepend"), 22, "2}", "prepend:"),
        (("anycast", "B", "members", "r2"), 22, "{check: tcp}}", "r2:"),
        (("experiment", 0, "expect", "instance"), 26, "s1}", "instance:"),
        (("nowhere", "at", "all"), 1, "name: everything", "name: everything"),
    ],
)
def test_every_value_and_key_has_its_place(path: Path, line: int, value: str, key: str) -> None:
    positions = loaded(EVERYTHING).positions
    for at_key, text in ((False, value), (True, key)):
        mark = positions.mark(path, at_key=at_key)
        assert mark.line == line
        assert EVERYTHING.splitlines()[line - 1][mark.column - 1 :].startswith(text)


class Inner(BaseModel):
    """A model of a higher floor, such as the options of a component."""

    model_config = ConfigDict(extra="forbid", strict=True)
    port: int = Field(gt=0, le=65535)
    mode: Literal["fast", "slow"] = "fast"


class Outer(BaseModel):
    """A model of a higher floor with another inside."""

    model_config = ConfigDict(extra="forbid", strict=True)
    inner: list[Inner] = []
    share: Annotated[float, Field(ge=0)] = 0.0
    flag: bool = False
    named: dict[str, Inner] = {}


def said(step: str, model: type[BaseModel] | None = Outer) -> list[str]:
    """Return what is said about one step whose argument is an :class:`Outer`."""

    def check(topology: Topology, reporter: Reporter) -> None:
        ((verb, argument),) = topology.experiment[0].items()
        try:
            Outer.model_validate(argument)
        except ValidationError as error:
            reporter.validation(("experiment", 0, verb), error, model)

    try:
        load_text(f"{SMALL}experiment:\n  - do: {step}\n", "lab.yaml", also=[check])
    except TopologyError as error:
        return [f"{each.line}:{each.column}: {each.message}" for each in error.problems]
    return []


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("{inner: [{prot: 1, port: 1}]}", "6:19: unknown key 'prot'; did you mean 'port'?"),
        ("{named: {x: {prot: 1, port: 1}}}", "6:22: unknown key 'prot'; did you mean 'port'?"),
        ("{zzz: 1}", "6:10: unknown key 'zzz'; known here: flag, inner, named, share"),
        ("{inner: [{}]}", "6:18: 'port' is missing"),
        ("{named: {x: {}}}", "6:18: 'port' is missing"),
        ("{inner: [{port: 0}]}", "6:25: expected a number greater than 0, not 0"),
        ("{inner: [{port: 70000}]}", "6:25: expected a number of 65535 or less, not 70000"),
        ("{inner: [{port: http}]}", "6:25: expected a whole number, not 'http'"),
        ("{inner: [{port: 1.5}]}", "6:25: expected a whole number, not 1.5"),
        ("{inner: [{port: 1, mode: fats}]}", "6:34: expected fast or slow, not 'fats'; did you "),
        ("{inner: 3}", "6:17: expected a list, not 3"),
        ("{inner: [3]}", "6:18: expected a mapping, not 3"),
        ("{share: -0.5}", "6:17: expected a number of 0 or more, not -0.5"),
        ("{share: much}", "6:17: expected a number, not 'much'"),
        ("{flag: 1}", "6:16: expected true or false, not 1"),
        ("7", "6:9: expected a mapping, not 7"),
    ],
)
def test_a_higher_floors_models_get_plain_words(step: str, message: str) -> None:
    (found,) = said(step)
    assert found.startswith(message)


def test_a_higher_floors_sound_step_is_passed() -> None:
    assert said("{inner: [{port: 80, mode: slow}], share: 0.5, flag: true}") == []


def test_without_the_model_an_unknown_key_is_still_named() -> None:
    assert said("{zzz: 1}", model=None) == ["6:10: unknown key 'zzz'"]


def test_the_known_keys_are_those_at_the_path() -> None:
    assert known_keys(Outer, ()) == {"inner", "share", "flag", "named"}
    assert known_keys(Outer, ("inner", 3)) == {"port", "mode"}
    assert known_keys(Topology, ("lans", "lan1")) == {"nodes", "subnet", "cost"}


def test_a_checker_sees_the_sound_part_of_a_file_with_other_mistakes() -> None:
    seen: list[Any] = []

    def check(topology: Topology, reporter: Reporter) -> None:
        seen.append((list(topology.nodes), list(topology.anycast), len(topology.experiment)))
        reporter.problem(("experiment", 1, "kill"), "no such node")
        reporter.problem(("experiment", 0), "about a stand-in")

    text = SMALL.replace("r1: router", "r1: 7").replace("[s1]", "s1")
    with pytest.raises(TopologyError) as caught:
        load_text(f"{text}experiment: [5, {{kill: s9}}]\n", "lab.yaml", also=[check])
    assert seen == [(["c1", "r1", "s1"], ["A"], 2)]
    assert [problem.message for problem in caught.value.problems] == [
        "expected a role (router, client or server), or {role: ..., ...}",
        "expected a list, not 's1'",
        "expected a mapping, not 5",
        "no such node",
    ]


def test_nothing_more_is_checked_when_a_section_is_lost() -> None:
    assert complaints("name: lab\nnode: {r1: router}\nlinks: [[r1, r2]]\n") == [
        "1:1: 'nodes' is missing",
        "2:1: unknown key 'node'; did you mean 'nodes'?",
    ]


def test_one_mistake_noted_twice_is_shown_once() -> None:
    reporter = Reporter(parse("a: b", "lab.yaml"))
    reporter.problem(("a",), "wrong")
    reporter.problem(("a",), "wrong")
    with pytest.raises(TopologyError, match=r"\Alab\.yaml:1:4: wrong\Z"):
        reporter.finish()


def test_without_a_mistake_nothing_is_raised() -> None:
    problems = Problems("lab.yaml")
    problems.raise_any()
    assert problems.marks() == set()
