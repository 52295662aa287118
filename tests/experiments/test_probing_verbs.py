"""The verbs `probe`, `catchment` and `capture` in a lab that is up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scapy.utils import PcapNgReader

from anycastlab.lab.handle import Lab
from tests.experiments.networks import FIGURE1

NAME = f"probing-{os.getpid()}"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Bring figure 1 up, for all tests of this file."""
    file = tmp_path_factory.mktemp("lab") / "figure1.yaml"
    file.write_text(FIGURE1)
    with Lab.up(file, name=NAME) as running:
        yield running


def run(verb: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a verb on the lab."""
    command = [sys.executable, "-m", "anycastlab", verb, NAME, *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def reported(verb: str, *words: str) -> list[dict[str, Any]]:
    """Run a verb that must find all as predicted; return its JSON."""
    done = run(verb, *words, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_probe_sends_icmp_of_both_families(lab: Lab) -> None:
    found = reported("probe", "--from", "c1", "--to", "A")
    assert [(one["family"], one["protocol"]) for one in found] == [(4, "icmp"), (6, "icmp")]
    assert [one["answered_by"] for one in found] == ["s1", "s1"]
    assert all(one["rtt_ms"] > 0 for one in found)


def test_probe_can_be_told_protocol_family_and_count(lab: Lab) -> None:
    words = ("--from", "c2", "--to", "A", "--proto", "tcp", "-6", "--count", "3")
    found = reported("probe", *words)
    assert [(one["family"], one["protocol"], one["answered_by"]) for one in found] == [
        (6, "tcp", "s2")
    ] * 3


def test_catchment_probes_every_client_family_and_protocol(lab: Lab) -> None:
    found = reported("catchment")
    kinds = {(one["client"], one["family"], one["protocol"]) for one in found}
    assert len(found) == len(kinds) == 12
    assert {(one["client"], one["answered_by"]) for one in found} == {("c1", "s1"), ("c2", "s2")}


def test_catchment_can_be_narrowed(lab: Lab) -> None:
    found = reported("catchment", "--client", "c2", "--group", "A", "--proto", "udp", "-4")
    assert [(one["client"], one["family"], one["protocol"]) for one in found] == [("c2", 4, "udp")]


def test_catchment_shows_a_row_a_client(lab: Lab) -> None:
    done = run("catchment")
    assert done.returncode == 0
    rows = [line.split() for line in done.stdout.splitlines() if "✓" in line]
    assert [(row[1], row[2]) for row in rows] == [("c1", "A"), ("c2", "A")]
    assert "12 probes, all as predicted" in done.stdout


def test_a_catchment_that_is_not_as_predicted_exits_1_and_is_marked(lab: Lab) -> None:
    address = next(a for a in lab.network.groups["A"].addresses if a.version == 4)
    with lab.inside("r1"):
        subprocess.run(["ip", "route", "replace", "blackhole", f"{address}/32"], check=True)
    try:
        done = run("catchment", "--client", "c1", "-4", "--proto", "icmp")
        assert done.returncode == 1
        assert "✗" in done.stdout
        assert "1 of 1 probes differ from the prediction" in done.stdout
        assert run("probe", "--from", "c1", "--to", "A", "-4", "--json").returncode == 1
    finally:
        with lab.inside("r1"):
            subprocess.run(
                ["ip", "route", "replace", f"{address}/32", "via", gateway(lab)], check=True
            )


def gateway(lab: Lab) -> str:
    """Return the address of s1 on its link to r1."""
    (near,) = lab.network.nodes["s1"].interfaces
    return str(near.ipv4.ip)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("probe", "--from", "c9", "--to", "A"), "c9"),
        (("probe", "--from", "r1", "--to", "A"), "'r1' is a router, not a client"),
        (("probe", "--from", "c1", "--to", "B"), "no group 'B'"),
        (("probe", "--from", "c1", "--to", "A", "--proto", "sctp"), "sctp"),
        (("probe", "--from", "c1", "--to", "A", "--count", "0"), "--count"),
        (("probe", "--to", "A"), "--from"),
        (("catchment", "--client", "c9"), "c9"),
        (("catchment", "--group", "B"), "no group 'B'"),
    ],
)
def test_a_wrong_word_exits_2_and_is_named(lab: Lab, words: tuple[str, ...], message: str) -> None:
    verb, *options = words
    done = run(verb, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def capturing(file: Path, *words: str) -> subprocess.Popen[str]:
    """Start a capture in s1; return when it records."""
    command = [sys.executable, "-m", "anycastlab", "capture", NAME, "s1", "-w", str(file), *words]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert process.stderr.readline().startswith("recording s1 in ")
    return process


def captured(file: Path) -> list[bytes]:
    """Return the packets in a file, as Scapy reads them."""
    with PcapNgReader(str(file)) as reader:
        return [bytes(packet) for packet in reader]


def test_capture_ends_after_so_many_packets_and_scapy_reads_them(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "s1.pcapng"
    with capturing(file, "--count", "2") as process:
        reported("probe", "--from", "c1", "--to", "A", "-4")
        assert process.stderr is not None
        assert process.stderr.read() == f"2 packets in {file}\n"
    assert process.returncode == 0
    service = next(a for a in lab.network.groups["A"].addresses if a.version == 4)
    packets = captured(file)
    assert len(packets) == 2
    assert all(service.packed in packet for packet in packets)


def test_capture_ends_after_so_long_and_may_hold_nothing(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "s1.pcapng"
    with capturing(file, "--seconds", "0.01") as process:
        assert process.wait(30) == 0
    assert captured(file) == []


def test_ctrl_c_ends_a_capture_and_keeps_what_was_recorded(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "s1.pcapng"
    with capturing(file) as process:
        reported("probe", "--from", "c1", "--to", "A", "-4")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    assert len(captured(file)) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("s7", "-w", "x.pcapng"), "no node 's7'"),
        (("s1", "-w", "/nowhere/x.pcapng"), "cannot write /nowhere/x.pcapng"),
        (("s1", "s2", "-w", "x.pcapng"), "wrong number of names"),
        (("s1",), "-w"),
        (("s1", "-w", "x.pcapng", "--seconds", "0"), "--seconds"),
    ],
)
def test_a_capture_that_cannot_be_made_exits_2(
    lab: Lab, words: tuple[str, ...], message: str
) -> None:
    done = run("capture", *words)
    assert done.returncode == 2
    assert message in done.stderr
