"""The timers of neighbour caches are in the kernel's tables as the file writes them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from anycastlab.errors import TopologyError
from anycastlab.lab.execution import run
from anycastlab.lab.handle import Lab
from anycastlab.topology.load import load_text
from tests.lab.conftest import unique

TOPOLOGY = """\
nodes: {r1: router, c1: client, s1: server}
links: [[c1, r1]]
lans: {lan1: {nodes: [c1, s1], subnet: 10.9.0.0/24}}
neighbour:
  {reachable: 2s, delay: 300ms, probes: 1, retrans: 200ms, locktime: 0s, anycast-delay: 100ms}
"""
WANTED = (
    "base_reachable 2000 retrans 200",
    "delay_probe 300",
    "ucast_probes 1",
    "proxy_delay 100",
    "locktime 0",
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    file = tmp_path_factory.mktemp("neighbour") / "neighbour.yaml"
    file.write_text(f"name: {unique('neighbour')}\n{TOPOLOGY}")
    with Lab.up(file) as running:
        yield running


def table(lab: Lab, node: str, device: str) -> str:
    """What iproute2 says of both caches of an interface."""
    ended = run(lab, node, ["ip", "ntable", "show", "dev", device], 5)
    assert ended.status == 0, ended.output
    return ended.output


@pytest.mark.parametrize("cycle", [0, 1])
def test_the_ports_on_lans_have_them_and_those_of_a_revived_node_again(
    lab: Lab, cycle: int
) -> None:
    if cycle:
        lab.kill("s1")
        lab.revive("s1")
    for node in ("s1", "c1"):
        found = table(lab, node, "lan1")
        for text in WANTED:
            assert found.count(text) == 2, text


def test_links_keep_the_kernels_own(lab: Lab) -> None:
    found = table(lab, "c1", "to-r1")
    assert not [text for text in WANTED if found.count(text) == 2]
    assert "base_reachable 30000" in found


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("{reachable: 0s}", "3:24: expected a time from 1ms to 60min"),
        ("{retrans: 2h}", "3:22: expected a time with its unit"),
        ("{probes: -1}", "3:21: "),
        ("{reachabel: 1s}", "3:13: unknown key 'reachabel'; did you mean 'reachable'?"),
        ("fast", "3:12: "),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(written: str, problem: str) -> None:
    with pytest.raises(TopologyError) as caught:
        load_text(f"name: x\nnodes: {{c1: client}}\nneighbour: {written}\n", "x.yaml")
    assert f"x.yaml:{problem}" in str(caught.value)
