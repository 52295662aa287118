"""A node's own sysctls and a link's MTU, as the file writes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from anycastlab.errors import FeatureError, TopologyError
from anycastlab.lab.execution import run
from anycastlab.lab.handle import Lab
from anycastlab.topology.load import load_text
from tests.lab.conftest import unique

TOPOLOGY = """\
nodes:
  r1: router
  c1: {role: client, sysctls: {net.ipv4.tcp_mtu_probing: 1, net.ipv4.conf.to-r1.tag: 7}}
links: [{endpoints: [c1, r1], mtu: 1400}]
"""


def up(folder: Path, text: str = TOPOLOGY, name: str = "settings") -> Lab:
    file = folder / "settings.yaml"
    file.write_text(f"name: {unique(name)}\n{text}")
    return Lab.up(file)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with up(tmp_path_factory.mktemp("settings")) as running:
        yield running


def printed(lab: Lab, node: str, command: str) -> str:
    ended = run(lab, node, ["/bin/sh", "-c", command], 5)
    assert ended.status == 0, ended.output
    return ended.output


def read(lab: Lab, node: str) -> str:
    names = "tcp_mtu_probing conf/to-r1/tag" if node == "c1" else "tcp_mtu_probing"
    return printed(lab, node, f"cd /proc/sys/net/ipv4; cat {names}")


def mtu(lab: Lab, node: str) -> bool:
    return " mtu 1400 " in printed(lab, node, "ip link show")


@pytest.mark.parametrize("cycle", [0, 1])
def test_a_node_has_its_own_settings_and_a_revived_one_again(lab: Lab, cycle: int) -> None:
    if cycle:
        lab.kill("c1")
        lab.revive("c1")
    assert read(lab, "c1") == "1\n7\n"
    assert read(lab, "r1") == "0\n"
    assert mtu(lab, "c1")
    assert mtu(lab, "r1")


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        (
            "net.ipv4.no_such_thing: 1",
            "node 'c1': this kernel has no sysctl net/ipv4/no_such_thing",
        ),
        ("net.ipv4.tcp_mtu_probing: x", "sysctl net/ipv4/tcp_mtu_probing does not take 'x'"),
    ],
)
def test_what_the_kernel_does_not_take_is_named(
    tmp_path: Path, leak_guard: None, setting: str, problem: str
) -> None:
    with pytest.raises(FeatureError) as caught:
        up(tmp_path, f"nodes: {{c1: {{role: client, sysctls: {{{setting}}}}}}}\n", "wrong")
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{c1: {role: client, sysctls: {kernel.panic: 1}}}", "expected a sysctl below net"),
        ("{c1: {role: client, sysctls: {net.ipv4.x: [1]}}}", "expected the value of a sysctl"),
        ("{c1: client}\nlinks: [{endpoints: [c1, c1], mtu: 68}]", "1280 or more"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(TopologyError) as caught:
        load_text(f"name: x\nnodes: {text}\n", "x.yaml")
    assert problem in str(caught.value)
    assert str(caught.value).startswith("x.yaml:")
