"""How components are found, and what is said of those that are not there."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path
from typing import ClassVar

import pytest

from anycastlab.components import registry
from anycastlab.components.base import Component, Options, Place
from anycastlab.components.http import Http
from anycastlab.errors import TopologyError, UsageError
from anycastlab.experiments.load import load_checked


class Elsewhere(Component):
    """A component of another package."""

    name: ClassVar[str] = "elsewhere"

    def start(self, place: Place, options: Options) -> None:
        """Nothing to do."""

    def stop(self) -> None:
        """Nothing to do."""


def test_built_in_components_are_found_by_name() -> None:
    assert registry.find("http") is Http


def test_an_unknown_component_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="did you mean 'http'"):
        registry.find("htp")


def test_other_packages_bring_components_by_an_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("elsewhere", f"{__name__}:Elsewhere", registry.ENTRY_POINTS)
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])
    assert registry.find("elsewhere").name == "elsewhere"
    assert "elsewhere" in registry.names()


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ("[htp]", "no component 'htp'; did you mean 'http'?"),
        ("[{http: {prt: 80}}]", "unknown key 'prt'; did you mean 'port'?"),
        ("[{http: {port: 0}}]", "expected a number of 1 or more, not 0"),
        ("[{http: {redirect: 200}}]", "expected 307 or 308, not 200"),
        ("[{srv6-edge: {outside: [s2]}}]", "no neighbour 's2'"),
        ("[http, mss-clamp]", "mss-clamp acts on what a router forwards, and s1 is a server: put"),
        ("[pinning-router]", "pinning-router acts on what a router forwards"),
        ("[anycast-source-filter]", "anycast-source-filter acts on what a router forwards"),
        ("[http, http]", "http: TCP port 80 is taken, by http on line 5 already"),
        ("[identity, {quic: {port: 4786}}]", "UDP port 4786 is taken, by identity on line 5"),
        ("[ptb-broadcast, ptb-broadcast]", "ptb-broadcast: a node runs one, and this one does"),
    ],
)
def test_a_wrong_run_entry_is_reported_where_it_stands(
    tmp_path: Path, run: str, message: str
) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(f"name: bad\nnodes:\n  s1:\n    role: server\n    run: {run}\n")
    with pytest.raises(TopologyError) as caught:
        load_checked(file)
    (problem,) = caught.value.problems
    assert problem.line == 5
    assert message in problem.message


def test_components_that_claim_different_things_may_be_several(tmp_path: Path) -> None:
    run = "[http, http: {port: 81}, program: {command: cat}, program: {command: cat}]"
    file = tmp_path / "good.yaml"
    file.write_text(f"name: good\nnodes: {{s1: {{role: server, run: {run}}}}}\n")
    assert len(load_checked(file).network.nodes["s1"].run) == 4
