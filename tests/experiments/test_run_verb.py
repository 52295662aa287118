"""The verb `run` as a user has it: what it prints, writes and exits with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from anycastlab.lab.record import lab_names
from tests.experiments.networks import FIGURE1, written

NAME = f"verb-{os.getpid()}"
GOOD = "- expect: {from: c1, to: A, instance: s1}"
BAD = "- expect: {from: c1, to: A, instance: s2}\n- kill: s1"
ENDLESS = GOOD + "\n- expect: {from: c1, to: A, instance: s2, within: 10min}"

Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a topology with an experiment to a file; return the file's name."""

    def one(experiment: str, name: str = NAME) -> str:
        file = tmp_path / f"{name}.yaml"
        file.write_text(written(experiment, FIGURE1.replace("figure1", name)))
        return str(file)

    return one


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the verb."""
    command = [sys.executable, "-m", "anycastlab", "run", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_good_experiment_exits_0_and_shows_each_step(write: Write) -> None:
    done = run(write(GOOD))
    assert (done.returncode, done.stderr) == (0, "")
    up, step, seen, verdict, folder = done.stdout.splitlines()
    assert up.startswith(f"{NAME}: 6 nodes up in ")
    assert step == "  ✓ expect: {from: c1, to: A, instance: s1}"
    assert seen.startswith("      6 probes: s1, ")
    assert verdict.startswith(f"{NAME}: passed, 1 step in ")
    assert folder.startswith(f"  results in {os.environ['ANYCASTLAB_RESULTS']}/{NAME}-")


def test_a_bad_experiment_exits_1_goes_on_and_says_where(write: Write) -> None:
    file = write(BAD)
    done = run(file)
    assert done.returncode == 1
    assert "c1 → A, IPv4, ICMP: expected s2, received by s1, answered by s1" in done.stdout
    assert "✓ kill: s1" in done.stdout
    line = Path(file).read_text().splitlines().index("  - expect: {from: c1, to: A, instance: s2}")
    assert f"{file}:{line + 1}: not met: expect: " in done.stdout


def test_fail_fast_stops_the_file_and_those_after_it(write: Write) -> None:
    done = run("-x", write(BAD), write(GOOD, f"{NAME}-b"))
    assert done.returncode == 1
    assert "kill" not in done.stdout
    assert f"{NAME}-b" not in done.stdout


def test_several_files_are_run_in_turn_and_the_worst_decides(write: Write) -> None:
    done = run(write(BAD), write(GOOD, f"{NAME}-b"))
    assert done.returncode == 1
    assert f"{NAME}-b: passed" in done.stdout


def test_mistakes_of_all_files_are_reported_before_any_lab_comes_up(write: Write) -> None:
    first, second = write("- kill: s7"), write("- kil: s1", f"{NAME}-b")
    done = run(first, second, write(GOOD, f"{NAME}-c"))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{first}:" in done.stderr
    assert f"{second}:" in done.stderr


def test_a_file_without_experiment_is_compared_with_the_prediction(write: Write) -> None:
    done = run(write(""))
    assert done.returncode == 0
    assert "no experiment in the file: the catchment must be as predicted" in done.stdout
    assert "12 probes: s1 6, s2 6" in done.stdout


def test_json_is_one_document_and_the_rest_goes_to_stderr(write: Write) -> None:
    done = run("--json", write(BAD))
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert report["ok"] is False
    assert [step["ok"] for step in report["topologies"][0]["steps"]] == [False, True]
    assert "✗ expect" in done.stderr


def test_junit_counts_the_failures(write: Write, tmp_path: Path) -> None:
    file = tmp_path / "junit.xml"
    assert run("--junit", str(file), write(BAD)).returncode == 1
    root = ET.parse(file).getroot()
    assert (root.get("tests"), root.get("failures")) == ("2", "1")


def test_a_junit_file_that_cannot_be_written_is_known_before_the_run(
    write: Write, tmp_path: Path
) -> None:
    done = run("--junit", str(tmp_path / "nowhere" / "junit.xml"), write(GOOD))
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot write" in done.stderr


def test_a_name_that_is_taken_exits_4_and_leaves_that_lab_alone(write: Write) -> None:
    from anycastlab.lab.handle import Lab

    file = write(GOOD)
    with Lab.up(file) as lab:
        done = run(file)
        assert done.returncode == 4
        assert f"{NAME}: FAILED" in done.stdout
        assert lab.state().dead == frozenset()


def test_ctrl_c_in_a_stream_prints_what_it_has_and_repairs_nothing_by_itself(write: Write) -> None:
    from anycastlab.lab.handle import Lab

    file = write("- stream: {from: c1, to: A, interval: 5ms, during: [{kill: s1}], after: 60s}\n")
    command = [sys.executable, "-m", "anycastlab", "run", "--no-results", file]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "nodes up" in process.stdout.readline()
        lab = Lab.find(NAME)
        while not lab.state().dead:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        lab.close()
    assert process.returncode == 130
    assert "✗ stream" in rest
    assert "s1 → " in rest
    assert "interrupted: what was seen is all there is" in rest
    assert f"{NAME}: INTERRUPTED, 1 step in " in rest


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_prints_what_was_done_and_takes_the_lab_down(
    write: Write, ending: signal.Signals
) -> None:
    command = [sys.executable, "-m", "anycastlab", "run", write(ENDLESS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = []
        while "✓ expect" not in "".join(told):
            told.append(process.stdout.readline())
            assert told[-1], "the run ended early"
        process.send_signal(ending)
        rest = process.stdout.read()
    assert process.returncode == 130
    assert f"{NAME}: INTERRUPTED, 1 step in " in rest
    assert NAME not in lab_names()
