"""``scripts/virtual-time``: with stand-ins for the kernel, and with a real one if there is one."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from anycastlab.experiments.script import check
from anycastlab.topology.load import load
from anycastlab.topology.neighbour import Neighbour
from anycastlab.topology.routing_models import options_of

from .sources import ROOT

SCRIPT = ROOT / "scripts/virtual-time"
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def run(place: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Call the script in *place*, with nothing but this environment."""
    return subprocess.run(
        [SCRIPT, *words],
        cwd=place,
        env={"PATH": PATH, "XDG_CACHE_HOME": str(place)} | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    """A kernel that writes down how it was called, and reports status 5 as the machine does."""
    kernel = tmp_path / "kernel"
    kernel.write_text(f'#!/bin/bash\necho "$@" >{tmp_path}/called\necho 5 >"${{@: -1}}/status"\n')
    kernel.chmod(0o755)
    return kernel


def test_the_status_of_the_command_is_the_scripts(tmp_path: Path, stand_in: Path) -> None:
    done = run(tmp_path, "exec", "true", ANYCASTLAB_UML=str(stand_in))
    assert (done.returncode, done.stdout, done.stderr) == (5, "", "")
    words = (tmp_path / "called").read_text().split()
    assert "time-travel" in words
    assert f"init={SCRIPT}" in words


def test_a_kernel_that_ends_early_is_quoted(tmp_path: Path, stand_in: Path) -> None:
    stand_in.write_text("#!/bin/sh\necho out of memory\nexit 1\n")
    done = run(tmp_path, "exec", "true", ANYCASTLAB_UML=str(stand_in))
    assert done.returncode == 3
    assert "out of memory" in done.stderr


def test_a_kernel_that_never_ends_is_ended(tmp_path: Path, stand_in: Path) -> None:
    stand_in.write_text("#!/bin/sh\nexec tail -f /dev/null\n")
    environment = {"ANYCASTLAB_UML": str(stand_in), "ANYCASTLAB_SECONDS": "0.2"}
    done = run(tmp_path, "exec", "true", **environment)
    assert (done.returncode, done.stderr) == (124, "virtual-time: ended after 0.2 s\n")


def test_without_a_kernel_it_says_how_to_get_one(tmp_path: Path) -> None:
    done = run(tmp_path, "kernel")
    assert (done.returncode, done.stdout) == (3, "")
    assert "scripts/virtual-time build" in done.stderr


def test_a_kernel_that_is_no_program_is_not_replaced_by_another(tmp_path: Path) -> None:
    done = run(tmp_path, "exec", "true", ANYCASTLAB_UML=str(tmp_path / "none"))
    assert (done.returncode, done.stdout) == (3, "")
    assert f"{tmp_path}/none is no program" in done.stderr


@pytest.mark.parametrize("words", [(), ("--help",), ("exec",)])
def test_a_call_without_a_sense_is_refused(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert run(tmp_path, *words).returncode == 2


@pytest.mark.parametrize("file", sorted((ROOT / "topologies/virtual").glob("*.yaml")), ids=str)
def test_topologies_for_it_are_at_the_protocols_own_timers(file: Path) -> None:
    network = load(file, also=[check]).network
    assert network.name == file.stem
    if network.routing.daemon == "kernel":
        assert network.neighbour == Neighbour()
    else:
        assert options_of(network.routing).timers.profile == "default"


@pytest.fixture(scope="module")
def kernel() -> str:
    """A real kernel: one that somebody names, or the one built before; else the tests are skipped.

    Building one takes minutes, so no test does it.
    """
    asked = subprocess.run([SCRIPT, "kernel"], capture_output=True, text=True, check=False)
    if asked.returncode:
        pytest.skip(asked.stderr.strip())
    return asked.stdout.strip()


def test_waiting_costs_nothing_and_files_output_and_status_are_real(
    tmp_path: Path, kernel: str
) -> None:
    words = "date +%s; exec python3 -c 'import time, sys; time.sleep(9999); print(time.time())"
    words += '; print("seen", file=sys.stderr); open("made", "w"); sys.exit(7)\''
    done = run(tmp_path, "exec", "sh", "-c", words, ANYCASTLAB_UML=kernel)
    assert (done.returncode, done.stderr) == (7, "seen\n")
    began, ended = done.stdout.splitlines()
    assert 9999 <= float(ended) - float(began) < 10_100
    assert (tmp_path / "made").exists()


def test_ospf_notices_a_black_hole_after_its_own_dead_interval(tmp_path: Path, kernel: str) -> None:
    file = ROOT / "topologies/virtual/ospf-default.yaml"
    done = run(tmp_path, "run", str(file), ANYCASTLAB_UML=kernel)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = (tmp_path / "results").iterdir()
    (stream,) = [
        step["stream"]
        for step in json.loads((folder / "report.json").read_text())["steps"]
        if "stream" in step
    ]
    for flow in stream["flows"]:
        assert 29_000 < flow["gap_ms"] < 42_000
        assert flow["lost"] == pytest.approx(flow["gap_ms"] / stream["interval_ms"], abs=2)
        assert flow["new"] == "s2"
    assert "protocol ospf" in (folder / "logs/nodes/r1/bird.conf").read_text()
