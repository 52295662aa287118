"""What the tests of control planes need of the host."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from anycastlab.errors import ProgramError
from anycastlab.lab.processes import find_program

PROGRAMS = {"bird": ("bird", "bird2"), "frr": ("zebra", "frr")}


def needs(daemon: str, place: str = "") -> None:
    """Skip the test unless a daemon is installed; a run that must not skip installs both.

    With *place*, there: a test may have taken everything else off the PATH.
    """
    if place:
        if not Path(place, PROGRAMS[daemon][0]).exists():
            pytest.skip(f"no {daemon} in {place}")
        return
    try:
        find_program(*PROGRAMS[daemon])
    except ProgramError as error:
        pytest.skip(str(error))


@pytest.fixture
def rundir(tmp_path: Path) -> Path:
    """A directory for the files of daemons, so deep that no socket's whole path would do."""
    deep = tmp_path / ("deep" * 25)
    deep.mkdir()
    return deep


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only directory of PATH, with what a test puts there; the shell is to be had too."""
    place = tmp_path / "alone" / "bin"
    place.mkdir(parents=True)
    monkeypatch.setenv("PATH", os.fspath(place))
    return place


def script(place: Path, name: str, text: str) -> Path:
    """A program in *place* that is a shell script."""
    path = place / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path
