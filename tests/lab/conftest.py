"""Labs for the tests of the lab floor."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from anycastlab.lab.handle import Lab
from anycastlab.lab.teardown import take_down

ROOT = Path(__file__).parents[2]
TOPOLOGIES = ROOT / "topologies"

DIAMOND = """\
name: {name}
nodes: {{r1: router, r2: router, r3: router, r4: router, c1: client, s1: server, s2: server}}
links:
  - [c1, r1]
  - [r1, r2]
  - [r1, r3]
  - [r2, r4]
  - [r3, r4]
  - [s1, r4]
  - {{endpoints: [s2, r3], cost: 10}}
anycast:
  A: {{members: [s1, s2]}}
"""


def unique(word: str) -> str:
    """A lab name nobody else uses."""
    return f"{word}-{os.getpid()}"


@pytest.fixture
def diamond(tmp_path: Path) -> Iterator[Path]:
    """A file: two equal ways from c1 to s1, a dearer instance s2; its lab is down afterwards."""
    name = unique("diamond")
    file = tmp_path / "diamond.yaml"
    file.write_text(DIAMOND.format(name=name))
    yield file
    take_down(name)


@pytest.fixture
def lab(diamond: Path) -> Iterator[Lab]:
    """The lab of that file, up."""
    with Lab.up(diamond) as running:
        yield running


Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def cli() -> Cli:
    """Run the real command line."""

    def run(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "anycastlab", *words],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
            **options,  # type: ignore[call-overload]
        )

    return run
