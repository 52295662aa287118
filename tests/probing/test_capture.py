"""Captures: what tcpdump reads in them is what was sent."""

from __future__ import annotations

import io
import socket
import subprocess
from pathlib import Path
from threading import Thread

import pytest

from anycastlab.errors import UsageError
from anycastlab.lab.handle import Lab
from anycastlab.probing.capture import Capture, capture
from anycastlab.probing.pcapng import PcapngWriter
from anycastlab.probing.prober import Prober

pytestmark = pytest.mark.lab("topologies/figure1.yaml")


def tcpdump(file: Path, *expression: str) -> list[str]:
    done = subprocess.run(
        ["tcpdump", "-nn", "--nano", "-r", str(file), *expression],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_a_probe_is_captured_as_it_enters_and_as_it_leaves(
    lab: Lab, prober: Prober, tmp_path: Path
) -> None:
    file = tmp_path / "r1.pcapng"
    with Capture(lab, "r1", file) as recording:
        prober.probe("c1", "A", family=4)
        prober.probe("c1", "A", family=6)
        recording.stop()
        recording.run()
    assert len(tcpdump(file)) == recording.recorded >= 8
    assert len(tcpdump(file, "icmp", "and", "inbound")) == 2
    assert len(tcpdump(file, "icmp", "and", "outbound")) == 2
    assert len(tcpdump(file, "icmp6[0] == 128")) == 2
    assert tcpdump(file, "tcp") == []


def test_interfaces_are_named(lab: Lab, prober: Prober, tmp_path: Path) -> None:
    file = tmp_path / "r1.pcapng"
    with Capture(lab, "r1", file) as recording:
        prober.probe("c1", "A", family=4)
        recording.stop()
        recording.run()
    assert b"to-c1" in file.read_bytes()
    assert b"to-s2" not in file.read_bytes()


def test_it_ends_after_so_many_packets(lab: Lab, prober: Prober, tmp_path: Path) -> None:
    file = tmp_path / "r1.pcapng"
    with Capture(lab, "r1", file) as recording:
        prober.probe("c1", "A", count=10)
        recording.run(count=7)
    assert recording.recorded == len(tcpdump(file)) == 7


def test_it_ends_when_told_to_and_not_before(lab: Lab, tmp_path: Path) -> None:
    with Capture(lab, "c1", tmp_path / "c1.pcapng") as recording:
        thread = Thread(target=recording.run)
        thread.start()
        thread.join(timeout=0.1)
        assert thread.is_alive()
        recording.stop()
        thread.join(timeout=10)
        assert not thread.is_alive()


def test_a_packet_on_lo_is_recorded_once(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "c1.pcapng"
    with (
        Capture(lab, "c1", file) as recording,
        lab.socket("c1", socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        sender.sendto(b"to myself", (str(lab.network.nodes["c1"].ipv4), 9))
        recording.run(seconds=0.05)
    assert len(tcpdump(file, "udp")) == 1


def test_packets_of_any_length_are_whole(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "c1.pcapng"
    with (
        Capture(lab, "c1", file) as recording,
        lab.socket("c1", socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        address = (str(lab.network.nodes["c1"].ipv4), 9)
        for length in (0, 1, 2, 3, 60_000):
            sender.sendto(b"x" * length, address)
        recording.run(seconds=0.05)
    lengths = [line.rpartition(" ")[2] for line in tcpdump(file, "udp")]
    assert lengths == ["0", "1", "2", "3", "60000"]


def test_what_cannot_be_captured_is_refused(lab: Lab, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no node 'c9'; did you mean"):
        capture(lab, "c9", tmp_path / "x.pcapng")
    with pytest.raises(UsageError, match=r"cannot write .*: No such file or directory"):
        capture(lab, "c1", tmp_path / "missing" / "x.pcapng")
    lab.kill("s1")
    with pytest.raises(UsageError, match="'s1' is dead"):
        capture(lab, "s1", tmp_path / "x.pcapng")
    assert list(tmp_path.iterdir()) == []


def test_time_stamps_keep_their_nanoseconds(tmp_path: Path) -> None:
    file, written = tmp_path / "x.pcapng", io.BytesIO()
    header = bytes.fromhex("0800 0000 00000001 0001 00 06 0000000000000000")
    PcapngWriter(written).packet("to-x", 1_700_000_000_123_456_789, header, outgoing=False)
    file.write_bytes(written.getvalue())
    (line,) = tcpdump(file, "-tt")
    assert line.startswith("1700000000.123456789")


def test_a_full_disk_is_said_with_the_files_name(lab: Lab) -> None:
    with (
        pytest.raises(UsageError, match="cannot write /dev/full: No space left on device"),
        Capture(lab, "c1", "/dev/full") as recording,
    ):
        recording.run(seconds=0.001)
