"""A daemon may see its own files where everybody else sees others."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from anycastlab.lab.private_mounts import View, seeing


def listing(*paths: str) -> str:
    return subprocess.run(["ls", *paths], check=True, capture_output=True, text=True).stdout


def test_what_is_started_sees_its_own_files_and_nobody_else_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own/mine").touch()
    monkeypatch.chdir(tmp_path)
    before = os.readlink("/proc/self/ns/mnt"), listing("/run")
    with seeing(View(empty=("/run",), bound=(("own", "/run/here/there"),))):
        assert listing("/run") == "here\n"
        assert listing("/run/here/there") == "mine\n"
    assert (os.readlink("/proc/self/ns/mnt"), listing("/run")) == before


def test_without_a_view_everything_is_as_it_is() -> None:
    before = os.readlink("/proc/self/ns/mnt")
    with seeing(None):
        assert os.readlink("/proc/self/ns/mnt") == before


def test_a_view_that_cannot_be_had_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = os.readlink("/proc/self/ns/mnt")
    with (
        pytest.raises(FileNotFoundError),
        seeing(View(bound=(("missing", "/run"),))),
    ):
        pytest.fail("it was had")
    assert os.readlink("/proc/self/ns/mnt") == before
