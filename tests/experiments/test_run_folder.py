"""The folder each run leaves: what is in it, and when there is none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from anycastlab.errors import UsageError
from anycastlab.report.folder import Folder
from tests.experiments.networks import FIGURE1, written
from tests.planes.conftest import needs

NAME = f"folder-{os.getpid()}"
EXPERIMENT = """\
- stream: {from: c1, to: A, interval: 1ms, before: 50ms, after: 100ms, during: [{kill: s1}]}
- revive: s1
- expect: {from: c1, to: A, instance: s1, within: 1s}
- expect: {from: c1, to: A, instance: s2}"""
BIRD = FIGURE1.replace("figure1", NAME) + "routing: bird\n"


def run(
    place: Path, text: str, *words: str, expected: int, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the verb in *place* with a topology file there; the usual place for results holds."""
    (place / "lab.yaml").write_text(text)
    usual = {key: value for key, value in os.environ.items() if key != "ANYCASTLAB_RESULTS"}
    done = subprocess.run(
        [sys.executable, "-m", "anycastlab", "run", "lab.yaml", *words],
        cwd=place,
        env=usual | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == expected, done.stdout + done.stderr
    return done


def packets(file: Path) -> int:
    """How many packets tcpdump finds."""
    command = ["tcpdump", "-nn", "-r", str(file)]
    return len(subprocess.run(command, capture_output=True, check=True).stdout.splitlines())


@pytest.mark.realtime
def test_a_run_leaves_report_junit_picture_topology_and_captures_and_says_where(
    tmp_path: Path,
) -> None:
    text = written(EXPERIMENT, FIGURE1.replace("figure1", NAME))
    done = run(tmp_path, text, "--pcap", expected=1)
    (folder,) = (tmp_path / "results").iterdir()
    assert done.stdout.splitlines()[-1] == f"  results in results/{folder.name}"
    assert folder.name.startswith(f"{NAME}-20")
    assert (folder / "topology.yaml").read_text() == text
    report = json.loads((folder / "report.json").read_text())
    assert [step["ok"] for step in report["steps"]] == [True, True, True, False]
    assert ET.parse(folder / "junit.xml").getroot().get("failures") == "1"
    (picture,) = folder.glob("stream-*.svg")
    assert picture.name == f"stream-{report['steps'][0]['line']}.svg"
    assert "<svg" in picture.read_text()
    captured = {file.name for file in (folder / "pcaps").iterdir()}
    assert captured == {f"{life}.pcapng" for life in ("c1", "c2", "s1", "s1.2", "s2")}
    stream = report["steps"][0]["stream"]["flows"]
    assert packets(folder / "pcaps/c1.pcapng") >= sum(flow["sent"] for flow in stream)
    assert packets(folder / "pcaps/s1.2.pcapng") >= 6


def test_no_results_leaves_nothing(tmp_path: Path) -> None:
    text = written("- kill: s1", FIGURE1.replace("figure1", NAME))
    done = run(tmp_path, text, "--no-results", expected=0)
    assert "results in" not in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["lab.yaml"]


def test_captures_without_a_folder_are_refused(tmp_path: Path) -> None:
    done = run(tmp_path, FIGURE1, "--no-results", "--pcap", expected=2)
    assert "--no-results" in done.stderr


def test_a_folder_of_ones_own_must_be_writable_before_any_lab_comes_up(tmp_path: Path) -> None:
    done = run(tmp_path, FIGURE1, "--results", "lab.yaml", expected=2)
    assert "cannot make lab.yaml/" in done.stderr or "cannot write lab.yaml/" in done.stderr
    assert done.stdout == ""


def test_the_usual_place_may_be_unwritable(tmp_path: Path) -> None:
    (tmp_path / "results").touch()
    text = written("- kill: s1", FIGURE1.replace("figure1", NAME))
    done = run(tmp_path, text, expected=0)
    assert done.stderr.startswith("no folder of results: ")


def test_the_logs_of_daemons_are_kept(tmp_path: Path) -> None:
    needs("bird")
    done = run(tmp_path, written("- kill: s1", BIRD), "--json", "--results", "kept", expected=0)
    (folder,) = (tmp_path / "kept").iterdir()
    assert json.loads(done.stdout)["ok"] is True
    assert f"results in kept/{folder.name}" in done.stderr
    assert "router id" in (folder / "logs/nodes/r1/bird.conf").read_text()
    assert list((folder / "logs/nodes").glob("*/bird.log"))


def test_the_logs_of_a_daemon_that_does_not_start_are_kept(tmp_path: Path) -> None:
    bird = tmp_path / "bin" / "bird"
    bird.parent.mkdir()
    bird.write_text("#!/bin/sh\necho out of feathers\nexit 3\n")
    bird.chmod(0o755)
    path = f"{bird.parent}:/usr/bin:/bin"
    run(tmp_path, written("", BIRD), expected=3, PATH=path)
    (folder,) = (tmp_path / "results").iterdir()
    assert "out of feathers" in (folder / "logs/nodes/r1/bird.log").read_text()
    assert "out of feathers" in json.loads((folder / "report.json").read_text())["error"]


def test_two_runs_in_one_second_have_a_folder_each(tmp_path: Path) -> None:
    made = {Folder.make(tmp_path, "x").path for _ in range(3)}
    assert len(made) == 3
    assert all(path.is_dir() for path in made)


def test_a_folder_below_a_file_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="file"):
        Folder.make(tmp_path / "file", "x")
