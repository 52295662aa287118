"""An ``up`` that is refused, or fails, says why and leaves no lab."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from anycastlab.cli.main import run
from anycastlab.components.http import Http
from anycastlab.lab.record import LabDirectory, lab_names
from tests.lab.conftest import Cli, unique


@pytest.mark.parametrize("name", ["Bad Name", "../up", "", "x" * 33])
def test_a_lab_is_named_on_the_command_line_by_the_rules_of_the_file(
    diamond: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["up", str(diamond), "--name", name]) == 2
    assert "lab name" in capfd.readouterr().err
    assert not LabDirectory(name).path.is_file()
    assert name not in lab_names()


def test_two_services_that_want_one_port_are_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    name = f"ports-{os.getpid()}"
    file = tmp_path / "ports.yaml"
    file.write_text(f"name: {name}\nnodes: {{s1: {{role: server, run: [http: {{port: 4786}}]}}}}\n")
    assert run(["up", str(file)]) == 2
    assert "http of 's1': its port is taken in that node" in capfd.readouterr().err
    assert name not in lab_names()


def test_a_component_that_breaks_is_no_interruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def start(*_: object) -> None:
        raise KeyError("no such thing")

    monkeypatch.setattr(Http, "start", start)
    name = unique("breaks")
    file = tmp_path / "breaks.yaml"
    file.write_text(f"name: {name}\nnodes: {{s1: {{role: server, run: [http]}}}}\n")
    assert run(["up", str(file)]) == 3
    assert "the lab's supervisor failed: KeyError('no such thing')" in capfd.readouterr().err
    assert name not in lab_names()


@pytest.mark.parametrize("words", [["up"], ["kill", "a", "b", "c"], ["exec", "c1"], ["frobnicate"]])
def test_bad_usage_is_status_2_with_one_message(words: list[str], cli: Cli) -> None:
    done = cli(*words)
    assert done.returncode == 2
    assert done.stderr
    assert "Traceback" not in done.stderr
