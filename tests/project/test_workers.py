"""Test runs beside each other do not see each other's labs."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workers import PLACES, turn

from .sources import ROOT


def left_in(place: str, before: str) -> bool:
    """Whether what a process of its own, which first does *before*, leaves in *place* is seen."""
    Path(place).mkdir(exist_ok=True)
    name = f"{place}/left-{os.getpid()}"
    code = f"import os, tests.workers\n{before}\nos.symlink('gone', {name!r})"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
    seen = os.path.islink(name)
    if seen:
        os.unlink(name)
    return seen


@pytest.mark.parametrize("place", [*map(str, PLACES)])
def test_what_a_worker_leaves_is_hidden_from_the_others(place: str) -> None:
    assert left_in(place, before="pass")
    assert not left_in(place, before="tests.workers.hide_labs()")


def test_no_two_have_their_turn_at_once() -> None:
    other = os.open("/run", os.O_RDONLY)
    try:
        with turn(), pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(other)
