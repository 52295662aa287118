"""What is measured in a lab that is up; no figure is judged here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks import streams, wires
from benchmarks.harness import worker

from anycastlab.lab.handle import Lab

TOPOLOGY = (
    wires.TOPOLOGY.replace("nodes: {", "nodes: {c1: client, s1: server, ")
    + """\
  - [c1, r1]
  - [s1, r1]
anycast:
  A: {members: [s1]}
"""
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    file = Path(tmp_path_factory.mktemp("bench"), "wire.yaml")
    file.write_text(TOPOLOGY)
    with Lab.up(file, f"bench-{os.getpid()}") as running:
        yield running


def test_a_stream_is_measured_by_the_share_of_packets_that_left_late(lab: Lab) -> None:
    assert 0 <= worker(streams.missed_slots, lab.name, "0.2") <= 100


def test_both_links_carry_all_bytes_and_all_datagrams(lab: Lab) -> None:
    found = worker(wires.compare, lab.name, 1)
    assert found["means"] == lab.status()["impaired"][0]["by"]
    for what in ("bulk", "trip"):
        assert found[what].keys() == {wires.PLAIN, wires.IMPAIRED}
        assert all(taken > 0 for (taken,) in found[what].values())
