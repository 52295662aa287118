"""The verb ``failover`` in a lab that is up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from anycastlab.lab.handle import Lab
from tests.experiments.networks import FIGURE1

pytestmark = pytest.mark.realtime

NAME = f"failover-{os.getpid()}"
QUICK = ("--interval", "1ms", "--before", "0.1s", "--after", "0.2s")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Bring figure 1 up, for all tests of this file: each leaves it whole."""
    file = tmp_path_factory.mktemp("lab") / "figure1.yaml"
    file.write_text(FIGURE1)
    with Lab.up(file, name=NAME) as running:
        yield running


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "anycastlab", "failover", NAME, *words]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the verb."""
    return subprocess.run(command(*words), capture_output=True, text=True, timeout=60, check=False)


def reported(*words: str, status: int = 0) -> dict[str, Any]:
    """Run the verb; return its JSON."""
    done = run(*words, *QUICK, "--json")
    assert done.returncode == status, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_kill_is_told_repaired_and_drawn_as_text(lab: Lab) -> None:
    done = run("--kill", "s1", "--from", "c1", "--to", "A", "--repair", *QUICK)
    assert done.returncode == 0
    assert "c1 → A IPv4  s1 → s2" in done.stdout
    assert "c1 → A IPv6  s1 → s2" in done.stdout
    assert "r1: link to s1 lost" in done.stdout
    assert "↑ kill s1" in done.stdout
    assert done.stderr == f"{NAME}: s1 is back\n"
    assert not lab.state().dead


def test_without_repair_the_lab_stays_as_the_fault_left_it_and_that_is_said(lab: Lab) -> None:
    done = run("--cut", "r1,r2", "--from", "c1", "--to", "A", "-4", *QUICK)
    assert done.stderr == f"lab {NAME} stays as this has left it: cut r1 r2\n"
    assert lab.state().cut
    lab.mend("r1", "r2")


def test_json_has_each_flow_of_each_client_and_the_fault_on_the_same_clock(lab: Lab) -> None:
    found = reported("--kill", "s2", "--from", "all", "--to", "A", "--repair")
    assert found["lab"] == NAME
    assert [(one["client"], one["family"]) for one in found["flows"]] == [
        ("c1", 4),
        ("c1", 6),
        ("c2", 4),
        ("c2", 6),
    ]
    assert [one["new"] for one in found["flows"]] == ["s1"] * 4
    (fault,) = found["faults"]
    moved = found["flows"][2]
    assert fault["fault"] == "kill s2"
    assert fault["began_ms"] == 0
    assert moved["gap_ms"] == pytest.approx(moved["first_new_ms"] - moved["last_old_ms"], abs=1e-3)
    assert {one["node"] for one in found["changes"]} >= {"r2"}


def test_any_fault_can_strike_and_several_do_in_turn(lab: Lab) -> None:
    faults = ("--fault", "set-cost r1 r2 1", "--fault", "set-cost s1 r1 20", "--apart", "20ms")
    found = reported(*faults, "--from", "c1", "--to", "A", "-6", "--protocol", "udp", "--repair")
    first, second = found["faults"]
    assert second["began_ms"] >= first["ended_ms"] + 20
    (flow,) = found["flows"]
    assert (flow["old"], flow["new"], flow["family"]) == ("s1", "s2", 6)
    assert lab.predict()["c1", "A"] == ("s1",)


def test_a_flow_that_does_not_end_where_it_should_exits_1(lab: Lab) -> None:
    address = next(one for one in lab.network.groups["A"].addresses if one.version == 4)
    with lab.inside("r1"):
        subprocess.run(["ip", "route", "replace", "blackhole", f"{address}/32"], check=True)
    words = ("--fault", "set-cost r1 r2 11", "--from", "c1", "--to", "A", "-4", "--repair")
    found = reported(*words, status=1)
    assert (found["ok"], found["flows"][0]["lost"]) == (False, found["flows"][0]["sent"])
    lab.kill("s1")
    lab.revive("s1")  # which writes the route again
    assert reported(*words)["ok"]


def test_ctrl_c_prints_what_there_is_repairs_nothing_and_exits_130(lab: Lab) -> None:
    words = ("--kill", "s1", "--from", "c1", "--to", "A", "--after", "60s", "--repair")
    with subprocess.Popen(
        command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as verb:
        while not lab.state().dead:
            assert verb.poll() is None
        verb.send_signal(signal.SIGINT)
        out, err = verb.communicate(timeout=30)
    assert verb.returncode == 130
    assert "interrupted: this is what there is so far" in out
    assert "kill s1\n" in out
    assert f"lab {NAME} stays as this has left it: kill s1" in err
    assert lab.state().dead == {"s1"}
    lab.revive("s1")


def test_a_fault_refused_after_another_struck_leaves_the_lab_as_asked(lab: Lab) -> None:
    words = ("--kill", "s1", "--kill", "s9", "--from", "c1", "--to", "A", *QUICK)
    done = run(*words, "--repair")
    assert (done.returncode, done.stdout) == (2, "")
    assert "s1 is back" in done.stderr
    assert "no node 's9'" in done.stderr
    assert not lab.state().dead
    assert "stays as this has left it: kill s1\n" in run(*words).stderr
    lab.revive("s1")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "say what strikes"),
        (("--kill", "s9"), "no node 's9'"),
        (("--cut", "r1"), "a fault is written 'cut A B'"),
        (("--fault", "kil s1"), "no fault 'kil'; did you mean 'kill'?"),
        (("--fault", ""), "no fault ''; faults: kill"),
        (("--kill", "s1", "--interval", "1ms", "--rate", "5"), "give one"),
        (("--kill", "s1", "--interval", "1us"), "too short an interval"),
        (("--kill", "s1", "--interval", "5"), "a time with its unit"),
        (("--kill", "s1", "--after", "90min"), "at most 3600 s"),
        (("--kill", "s1", "--protocol", "tcp"), "tcp"),
        (("--kill", "s1", "--picture", "x.gif"), "ends in svg, png, pdf"),
        (("--kill", "s1", "--picture", "/nowhere/x.svg"), "cannot write /nowhere/x.svg"),
    ],
)
def test_a_wrong_word_exits_2_before_anything_strikes(
    lab: Lab, words: tuple[str, ...], message: str
) -> None:
    done = run("--from", "c1", "--to", "A", "--before", "0.05s", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not lab.state().dead


@pytest.mark.parametrize(
    ("client", "group", "message"),
    [("c9", "A", "no node 'c9'"), ("s1", "A", "not a client"), ("c1", "B", "no group 'B'")],
)
def test_a_stream_from_or_to_what_is_not_there_exits_2(
    lab: Lab, client: str, group: str, message: str
) -> None:
    done = run("--kill", "s1", "--from", client, "--to", group)
    assert done.returncode == 2
    assert message in done.stderr
    assert not lab.state().dead


def test_a_lab_that_is_not_up_exits_4() -> None:
    words = ["failover", "no-such-lab", "--kill", "s1", "--from", "c1", "--to", "A"]
    done = subprocess.run(
        [sys.executable, "-m", "anycastlab", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 4
