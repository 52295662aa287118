"""Daemons that are missing, end, hang or refuse: what is said, and what becomes of the lab."""

from __future__ import annotations

import os
import re
import select
import signal
import time
from pathlib import Path

import pytest

from anycastlab.errors import ProgramError, UsageError
from anycastlab.kernel.arrival import wait_for_file
from anycastlab.lab.planes.bird import BirdPlane
from anycastlab.topology.network import Network

from .conftest import needs, script
from .harness import DIAMOND, Running, network_of, running


@pytest.fixture
def bird_pair(rundir: Path) -> Network:
    text = """\
name: hd-pair
nodes: {r1: router, r2: router, c1: client, s1: server}
links: [[c1, r1], [r1, r2], [s1, r2]]
anycast: {A: {members: [s1]}}
"""
    return network_of(text, daemon="bird")


def refusal(lab: Running, within: float = 5.0) -> str:
    began = time.monotonic()
    said = lab.settle(within)
    assert time.monotonic() - began < within + 1
    return said


def test_a_missing_daemon_is_told_before_anything_starts(
    bird_pair: Network, rundir: Path, programs: Path
) -> None:
    with (
        pytest.raises(ProgramError, match="bird is not installed; sudo apt install bird2"),
        running(bird_pair, rundir),
    ):
        pytest.fail("it came up")


def test_a_daemon_that_ends_at_once_is_told_of_at_once(
    bird_pair: Network, rundir: Path, programs: Path
) -> None:
    script(programs, "bird", "echo 'no way' >&2; exit 3")
    began = time.monotonic()
    with running(bird_pair, rundir) as lab:
        assert lab.settle() == "bird in r1 ended with status 3: no way"
    assert time.monotonic() - began < 5


def test_a_daemon_that_hangs_is_told_of_in_time(
    bird_pair: Network, rundir: Path, programs: Path
) -> None:
    script(programs, "bird", "echo 'thinking'; exec /usr/bin/tail -f /dev/null")
    with running(bird_pair, rundir) as lab:
        said = refusal(lab, within=1.0)
    assert said.startswith("r1 has no route to ")
    assert said.endswith("; bird: thinking")


def test_a_broken_line_is_shown(
    bird_pair: Network, rundir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("bird")
    monkeypatch.setattr(
        "anycastlab.lab.planes.bird.config", lambda *_: "router id 1.1.1.1;\nbroken\n"
    )
    with running(bird_pair, rundir) as lab:
        said = refusal(lab)
    assert re.match("bird in (r1|r2|s1) ended with status 1: bird: bird.conf:2", said)
    assert "syntax error" in said


def test_a_daemon_that_is_killed_is_told_of_and_can_be_started_again(
    bird_pair: Network, rundir: Path
) -> None:
    needs("bird")
    with running(bird_pair, rundir) as lab:
        assert lab.settle() == ""
        (bird,) = lab.plane.processes.running("r2")
        os.kill(bird.pid, signal.SIGKILL)
        assert select.select([bird.handle], [], [], 5)[0]
        assert lab.settle().startswith("bird in r2 ended by SIGKILL")
        lab.plane.start_daemons("r2")
        assert lab.settle() == ""


def test_a_daemon_that_does_not_start_again_is_told_of_and_stays_stopped(
    bird_pair: Network, rundir: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("bird", "/usr/sbin")
    bird = '/usr/sbin/bird "$@"'
    script(programs, "bird", f"exec {bird}")
    monkeypatch.setattr("anycastlab.lab.planes.daemon.STARTS_WITHIN", 1.0)
    with running(bird_pair, rundir) as lab:
        assert lab.settle() == ""
        lab.faults.stop_daemon("r2", "TERM")
        script(programs, "bird", "echo 'no way' >&2; exit 3")
        with pytest.raises(ProgramError, match=r"bird in r2 ended with status 3: .*no way"):
            lab.faults.start_daemon("r2")
        script(programs, "bird", "echo thinking; exec /usr/bin/tail -f /dev/null")
        with pytest.raises(ProgramError, match=r"bird in r2 does not begin to serve: .*thinking"):
            lab.faults.start_daemon("r2")
        assert lab.faults.state.mute == {"r2"}
        script(programs, "bird", f"exec {bird}")
        lab.faults.start_daemon("r2")
        assert lab.faults.state.mute == frozenset()
        assert lab.settle() == ""


def test_a_daemon_that_ended_by_itself_is_nothing_to_stop_and_can_be_started(
    bird_pair: Network, rundir: Path
) -> None:
    needs("bird")
    with running(bird_pair, rundir) as lab:
        assert lab.settle() == ""
        (bird,) = lab.plane.processes.running("r2")
        os.kill(bird.pid, signal.SIGKILL)
        assert select.select([bird.handle], [], [], 5)[0]
        assert lab.plane.daemons("r2")["bird"].startswith("bird in r2 ended by SIGKILL")
        with pytest.raises(UsageError, match="nothing to stop: bird in r2 ended by SIGKILL"):
            lab.faults.stop_daemon("r2", "TERM")
        lab.faults.start_daemon("r2")
        assert lab.plane.daemons("r2") == {"bird": ""}
        assert lab.settle() == ""


def test_a_bird_that_does_not_answer_is_an_error(
    bird_pair: Network, rundir: Path, programs: Path
) -> None:
    script(programs, "bird", "exec /usr/bin/tail -f /dev/null")
    with running(bird_pair, rundir) as lab:
        assert isinstance(lab.plane, BirdPlane)
        with pytest.raises(ProgramError, match="bird in s1 does not answer"):
            lab.faults.withdraw("s1", None)


def test_zebra_that_hangs_is_told_of(
    rundir: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anycastlab.lab.planes.frr.STARTS_WITHIN", 0.5)
    monkeypatch.setattr("anycastlab.lab.planes.frr._OWNER", "root")
    script(programs, "zebra", "exec /usr/bin/tail -f /dev/null")
    network = network_of(DIAMOND, daemon="frr")
    with (
        pytest.raises(ProgramError, match="zebra in r1 does not begin to serve"),
        running(network, rundir),
    ):
        pytest.fail("it came up")


def test_a_file_that_comes_is_seen_and_one_that_does_not_is_not(tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.touch()
    assert wait_for_file(here, time.monotonic())
    assert not wait_for_file(tmp_path / "there", time.monotonic() + 0.1)
