"""`anycastlab exec` beside a routing daemon: its own client finds it without being told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from anycastlab.lab.handle import Lab

from .conftest import needs

PAIR = """\
name: pair
nodes: {r1: router, r2: router, c1: client, s1: server}
links: [[c1, r1], [r1, r2], [r2, s1]]
anycast:
  A: {members: [s1]}
routing: {daemon: bird, protocol: ospf, timers: fast}
"""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    needs("bird")
    file = Path(tmp_path_factory.mktemp("exec"), "pair.yaml")
    file.write_text(PAIR)
    with Lab.up(file, f"exec-{os.getpid()}") as lab:
        yield lab


def run(lab: Lab, node: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "anycastlab", "exec", lab.name, node, "--", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_birdc_speaks_with_the_daemon_of_its_own_node(pair: Lab) -> None:
    for node in ("r1", "r2"):
        said = run(pair, node, "birdc", "show", "status")
        assert said.returncode == 0, said.stderr
        assert f"Router ID is {pair.network.nodes[node].ipv4}" in said.stdout


def test_birdc_finds_nobody_where_no_daemon_runs(pair: Lab) -> None:
    said = run(pair, "c1", "birdc", "show", "status")
    assert said.returncode != 0
    assert "Unable to connect" in said.stderr


def test_what_was_beside_the_daemons_place_is_still_there_and_the_host_has_not_got_it(
    pair: Lab,
) -> None:
    had = Path("/run/bird").exists()
    inside = run(pair, "r1", "ls", "/run").stdout.split()
    assert {"anycastlab", "netns", "bird"} <= set(inside)
    assert pair.name in run(pair, "r1", "ls", "/run/anycastlab").stdout.split()
    assert Path("/run/bird").exists() == had
