"""Labs whose daemons cannot do what they should: the verb `up` says so, and leaves nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from anycastlab.lab.record import lab_names
from tests.lab.conftest import unique
from tests.planes.conftest import script

PAIR = """\
name: {name}
nodes: {{r1: router, c1: client, s1: server}}
links: [[c1, r1], [s1, r1]]
anycast: {{A: {{members: [s1]}}}}
routing: {{daemon: {daemon}}}
"""


def up(folder: Path, daemon: str, name: str, programs: Path) -> subprocess.CompletedProcess[str]:
    """Bring the lab up where PATH has nothing but *programs*."""
    file = folder / "pair.yaml"
    file.write_text(PAIR.format(name=name, daemon=daemon))
    return subprocess.run(
        [sys.executable, "-m", "anycastlab", "up", str(file)],
        env={**os.environ, "PATH": str(programs)},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("daemon", "program", "message"),
    [
        ("bird", None, "bird is not installed; sudo apt install bird2"),
        ("frr", None, "zebra is not installed; sudo apt install frr"),
        ("bird", "echo 'no way' >&2; exit 3", "ended with status 3: no way"),
        ("bird", "exec /usr/bin/yes", "ended with status 1"),  # its log is full
    ],
    ids=["no bird", "no frr", "exits at once", "fills its log"],
)
def test_a_daemon_that_cannot_be_had_is_status_3_and_one_message(
    leak_guard: None,
    tmp_path: Path,
    programs: Path,
    daemon: str,
    program: str | None,
    message: str,
) -> None:
    if program is not None:
        script(programs, "bird", program)
    name = unique("pair")
    done = up(tmp_path, daemon, name, programs)
    assert (done.returncode, done.stdout) == (3, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert name not in lab_names()
