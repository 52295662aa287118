"""The component that runs any program: it lives and dies with its node, and says what is wrong."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from anycastlab.errors import ProgramError, TopologyError
from anycastlab.experiments.load import load_checked
from anycastlab.lab.handle import Lab
from tests.lab.conftest import unique
from tests.lab.impaired import eventually

NODES = "{r1: router, s1: {role: server, run: [{program: {command: %s}}]}}"


def written(folder: Path, command: str, name: str) -> Path:
    file = folder / "lab.yaml"
    links = "[[r1, s1]]"
    file.write_text(f"name: {unique(name)}\nnodes: {NODES % command}\nlinks: {links}\n")
    return file


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    command = "[sh, -c, 'echo hello; exec tail -f /dev/null']"
    with Lab.up(written(tmp_path_factory.mktemp("program"), command, "program")) as running:
        yield running


def words(lab: Lab) -> str:
    said: str = lab.show("s1")["program"]["last_words"]
    return said


def processes(lab: Lab) -> list[str]:
    """The commands of processes in the node's namespace."""
    inode = os.fstat(lab.namespace("s1")).st_ino
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.stat(process / "ns/net").st_ino == inode:
                found.append((process / "comm").read_text().strip())
        except OSError:
            continue
    return found


def test_it_runs_in_the_node_and_stops_and_starts_as_a_service(lab: Lab) -> None:
    assert eventually(lambda: words(lab) == "hello")
    assert eventually(lambda: "tail" in processes(lab))
    lab.stop_service("s1", "program")
    assert "tail" not in processes(lab)
    lab.start_service("s1", "program")
    assert eventually(lambda: "tail" in processes(lab))


def test_it_dies_with_its_node_and_comes_back_with_it(lab: Lab) -> None:
    lab.kill("s1")
    lab.revive("s1")
    assert eventually(lambda: "tail" in processes(lab))


def test_a_program_that_is_not_installed_is_named(tmp_path: Path, leak_guard: None) -> None:
    with pytest.raises(ProgramError, match="no-such-thing is not installed"):
        Lab.up(written(tmp_path, "no-such-thing --fast", "program-missing"))


@pytest.mark.parametrize("command", ["[]", "5", "''"])
def test_what_is_no_command_is_refused_at_its_place(tmp_path: Path, command: str) -> None:
    with pytest.raises(TopologyError, match=r"lab.yaml:2:\d+: "):
        load_checked(written(tmp_path, command, "program-wrong"))
