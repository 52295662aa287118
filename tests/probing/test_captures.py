"""Many captures at once: a process of their own, which ends with them and fails loudly."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from anycastlab.census import descendants
from anycastlab.errors import HostError, UsageError
from anycastlab.lab.handle import Lab
from anycastlab.probing.captures import Captures
from anycastlab.probing.prober import Prober
from tests.probing.test_capture import tcpdump

pytestmark = pytest.mark.lab("topologies/figure1.yaml")


def test_each_life_of_a_node_has_its_file_and_others_have_none(
    lab: Lab, prober: Prober, tmp_path: Path
) -> None:
    folder = tmp_path / "pcaps"
    with Captures(lab, ["c1", "s1"], folder) as captures:
        prober.probe("c1", "A", family=4)
        lab.kill("s1")
        lab.revive("s1")
        captures.again("s1")
        captures.again("s2")
        prober.probe("c1", "A", family=4)
    assert {file.name for file in folder.iterdir()} == {"c1.pcapng", "s1.pcapng", "s1.2.pcapng"}
    assert len(tcpdump(folder / "c1.pcapng", "icmp[0] == 8")) == 2
    assert len(tcpdump(folder / "s1.pcapng", "icmp[0] == 8")) == 1
    assert len(tcpdump(folder / "s1.2.pcapng", "icmp[0] == 8")) == 1
    assert captures.lost == {}


def test_a_file_that_cannot_be_written_ends_it_all(lab: Lab, tmp_path: Path) -> None:
    before = descendants()
    (tmp_path / "s1.pcapng").mkdir()
    with pytest.raises(UsageError, match=r"cannot write .*s1\.pcapng"):
        Captures(lab, ["c1", "s1"], tmp_path)
    assert descendants().keys() == before.keys()


def test_a_process_that_was_killed_is_told_of(lab: Lab, tmp_path: Path) -> None:
    before = descendants()
    captures = Captures(lab, ["c1"], tmp_path)
    (child,) = descendants().keys() - before.keys()
    os.kill(child, signal.SIGKILL)
    with pytest.raises(HostError, match="has ended with status -9"):
        captures.close()


def test_a_disk_that_fills_is_told_of_with_the_files_name(
    lab: Lab, prober: Prober, tmp_path: Path
) -> None:
    (tmp_path / "c1.pcapng").symlink_to("/dev/full")
    captures = Captures(lab, ["c1"], tmp_path)
    prober.probe("c1", "A", family=4)
    with pytest.raises(HostError, match=r"cannot write .*c1\.pcapng: No space left on device"):
        captures.close()
