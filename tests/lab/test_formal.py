"""Addresses of mode rfc2373 in a real lab: who holds them, who answers, what is seen of it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from anycastlab.lab.handle import Lab
from anycastlab.probing.prober import Prober
from tests.lab.conftest import Cli, unique

TOPOLOGY = """\
nodes: {r1: router, x1: router, x2: router, c1: client}
links: [[c1, r1], [x1, r1], {endpoints: [x2, r1], cost: 3}]
anycast:
  R: {addresses: {address: "2001:db8:a::1", mode: rfc2373}, members: [x1, x2]}
  S: {addresses: "2001:db8:a::2", members: [x1, x2]}
"""
FORMAL = "20010db8000a00000000000000000001"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    file: Path = tmp_path_factory.mktemp("formal") / "formal.yaml"
    file.write_text(f"name: {unique('formal')}\n{TOPOLOGY}")
    with Lab.up(file) as running:
        yield running


def kernels_own(lab: Lab, node: str) -> str:
    """What the kernel says are its anycast addresses."""
    with lab.inside(node):
        return Path("/proc/thread-self/net/anycast6").read_text()


def test_the_members_kernels_hold_it_and_nobody_elses(lab: Lab) -> None:
    assert FORMAL in kernels_own(lab, "x1")
    assert FORMAL in kernels_own(lab, "x2")
    assert FORMAL not in kernels_own(lab, "r1")
    assert FORMAL[:-1] + "2" not in kernels_own(lab, "x1"), "a shared address is as any other"


@pytest.mark.parametrize("protocol", ["icmp", "udp"])
def test_the_answer_comes_from_a_unicast_address(lab: Lab, protocol: str) -> None:
    with Prober(lab) as prober:
        (formal,) = prober.probe("c1", "R", protocol)  # type: ignore[arg-type]
        (shared,) = prober.probe("c1", "S", protocol)  # type: ignore[arg-type]
    own = {str(port.ipv6.ip) for port in lab.network.nodes["x1"].interfaces}
    assert formal.reply_from in own | {str(lab.network.nodes["x1"].ipv6)}
    assert (formal.received_by, formal.answered_by, formal.ok) == (("x1",), "x1", True)
    assert (shared.reply_from, shared.ok) == ("2001:db8:a::2", True)


def test_tcp_to_it_is_dropped_and_asked_for_only_by_itself(lab: Lab) -> None:
    with Prober(lab) as prober:
        (formal,) = prober.probe("c1", "R", "tcp", timeout=0.2)
        (shared,) = prober.probe("c1", "S", "tcp")
        every = prober.catchment(families=[6])
    assert (formal.received_by, formal.answered_by, formal.ok) == (("x1",), None, True)
    assert (shared.answered_by, shared.reply_from, shared.ok) == ("x1", "2001:db8:a::2", True)
    assert [one.protocol for one in every if one.group == "R"] == ["icmp", "udp"]
    assert [one.protocol for one in every if one.group == "S"] == ["icmp", "tcp", "udp"]


def test_no_program_sends_from_it(lab: Lab) -> None:
    with lab.socket("x1", socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        with pytest.raises(OSError, match="assign"):
            sock.bind(("2001:db8:a::1", 0))
        sock.bind(("2001:db8:a::2", 0))


def test_a_member_that_comes_back_holds_it_again(lab: Lab) -> None:
    lab.kill("x1")
    with Prober(lab) as prober:
        (away,) = prober.probe("c1", "R")
    lab.revive("x1")
    assert away.answered_by == "x2"
    assert FORMAL in kernels_own(lab, "x1")


def test_the_verb_says_where_the_answer_came_from(lab: Lab, cli: Cli) -> None:
    told = cli("probe", lab.name, "--from", "c1", "--to", "R")
    assert told.returncode == 0
    assert " from 2001:db8" in told.stdout
    (found,) = json.loads(cli("probe", lab.name, "--from", "c1", "--to", "S", "--json").stdout)
    assert found["reply_from"] == "2001:db8:a::2"
