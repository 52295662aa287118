"""Test runs beside each other do not see each other's labs."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workers import turn

from .sources import ROOT

PLACES = ("/run/netns", "/run/anycastlab")


def left_in(place: str, before: str) -> bool:
    """Whether what a process of its own, which first does *before*, leaves in *place* is seen."""
    Path(place).mkdir(exist_ok=True)
    name = f"{place}/left-{os.getpid()}"
    code = (
        f"import os, tests.workers\n{before}\n"
        f"os.makedirs({place!r}, exist_ok=True)\nos.symlink('gone', {name!r})"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
    seen = os.path.islink(name)
    if seen:
        os.unlink(name)
    return seen


@pytest.mark.parametrize("place", PLACES)
def test_what_a_worker_leaves_is_hidden_from_the_others(place: str) -> None:
    assert left_in(place, before="pass")
    assert not left_in(place, before="tests.workers.hide_labs()")


def test_what_is_removed_elsewhere_takes_nothing_from_a_worker() -> None:
    """A mount on a directory would be gone with it."""
    place = Path(f"/run/removed-{os.getpid()}")
    place.mkdir()
    code = (
        "import os, sys, tests.workers\ntests.workers.hide_labs()\n"
        f"os.makedirs({str(place)!r})\nprint(flush=True)\nsys.stdin.readline()\n"
        f"sys.exit(not os.path.isdir({str(place)!r}))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as worker:
        assert worker.stdout is not None
        worker.stdout.readline()
        place.rmdir()
        worker.communicate(b"\n")
    assert worker.returncode == 0


def test_no_two_have_their_turn_at_once() -> None:
    other = os.open("/", os.O_RDONLY)
    try:
        with turn(), pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(other)
