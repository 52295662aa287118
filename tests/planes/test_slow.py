"""The lab's own plane converges as slowly as it is told to, and in the end as it should."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

import pytest

from anycastlab.errors import UsageError
from anycastlab.kernel.netlink import Netlink
from anycastlab.lab.planes import make
from anycastlab.lab.planes.convergence import kernel_table
from anycastlab.lab.planes.kernel import KernelPlane
from anycastlab.lab.planes.slow import SlowPlane
from anycastlab.lab.timers import Timers
from anycastlab.lab.world import World
from anycastlab.probing.timeline import FlowTimeline
from anycastlab.routing.forwarder import Forwarder
from anycastlab.routing.table import Table
from anycastlab.topology.load import load_text
from tests.experiments.shared_lab import SharedLab
from tests.lab.conftest import unique

DETECT, SPREAD = 0.5, 0.1
BUSY = 1.0
"""Seconds that a machine with much else to do may take in addition."""
TOPOLOGY = f"""\
nodes: {{r1: router, r2: router, r3: router, c1: client, c3: client, s1: server, s2: server}}
links:
  - [c1, r1]
  - [c3, r3]
  - [r1, r2]
  - [r2, r3]
  - [s1, r3]
  - {{endpoints: [s2, r1], cost: 10}}
anycast: {{A: {{addresses: [192.0.2.1], members: [s1, s2]}}}}
routing: {{daemon: kernel, detect: {DETECT * 1e3:g}ms, spread: {SPREAD * 1e3:g}ms}}
"""
CONVERGED = "catchment: {is: predicted, protocol: icmp, within: 3s}"

FAULTS = [
    *("kill: s1", "revive: s1", "kill: r2", "revive: r2", "cut: [r2, r3]", "mend: [r2, r3]"),
    *("cut: [s2, r1]", "mend: [s2, r1]", "withdraw: s1", "announce: s1", "kill: r3", "revive: r3"),
    *("set-cost: {link: [r1, r2], cost: 30}", "set-cost: {link: [r1, r2], cost: 1}"),
]


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedLab]:
    """c1 - r1 - r2 - r3 - s1, with the dear s2 at r1."""
    with SharedLab.up(TOPOLOGY, unique("slow"), tmp_path_factory.mktemp("slow")) as shared:
        yield shared


@pytest.fixture
def lab(slow: SharedLab) -> Iterator[SharedLab]:
    """The same, intact before and after."""
    assert slow.do(CONVERGED).ok
    yield slow
    for repair in FAULTS[1::2]:
        with suppress(UsageError):
            slow.do(repair)
    assert slow.do(CONVERGED).ok


def streamed(lab: SharedLab, *faults: str, more: str = "") -> dict[str, FlowTimeline]:
    """Strike while packets flow; return what became of each client's."""
    outcome = lab.do(
        f"stream: {{from: all, to: A, interval: 1ms, before: 100ms, {more}"
        f"during: [{', '.join(f'{{{fault}}}' for fault in faults)}]}}"
    )
    assert outcome.stream is not None
    return {flow.flow.client: flow for flow in outcome.stream.flows}


def gap(flow: FlowTimeline) -> float:
    assert flow.gap is not None
    return flow.gap / 1e9


def lasts(flow: FlowTimeline, seconds: float) -> bool:
    """Whether a gap is so long: less by the rhythm of the packets, or more where time is scarce."""
    return seconds - 0.01 <= gap(flow) < seconds + BUSY


def test_the_routers_learn_one_after_the_other_and_packets_go_round_meanwhile(
    lab: SharedLab,
) -> None:
    with lab.struck():
        flows = streamed(lab, "kill: s1")
        # r3 sends back to r2, and r2 to r3 again, until r1 too has heard of it.
        assert lasts(flows["c1"], DETECT + 2 * SPREAD)
        assert lasts(flows["c3"], DETECT + 2 * SPREAD)
        assert {flow.new for flow in flows.values()} == {"s2"}
        back = streamed(lab, "revive: s1")
        # r1 is the last to hear: until then its clients are served by s2, and lose nothing.
        assert back["c1"].lost == 0
        assert back["c1"].first_new is not None
        assert back["c1"].last_old is not None
        assert {flow.new for flow in back.values()} == {"s1"}


def test_what_a_node_does_itself_needs_no_detection(lab: SharedLab) -> None:
    flows = streamed(lab, "withdraw: s1")
    assert lasts(flows["c1"], 2 * SPREAD)  # s1 serves until r3 knows
    streamed(lab, "announce: s1")


def test_a_fault_that_is_repaired_before_anybody_sees_it_is_never_heard_of(lab: SharedLab) -> None:
    before = {name: table(lab, name) for name in lab.lab.network.nodes}
    flows = streamed(lab, "cut: [r2, r3]", "mend: [r2, r3]", more="apart: 50ms, ")
    assert 0.05 <= gap(flows["c1"]) < DETECT
    assert flows["c3"].lost == 0
    assert {name: table(lab, name) for name in lab.lab.network.nodes} == before


def test_a_router_that_came_back_before_it_was_missed_learns_everything_again(
    lab: SharedLab,
) -> None:
    flows = streamed(lab, "kill: r2", "revive: r2")
    assert lasts(flows["c1"], DETECT)
    assert flows["c1"].new == "s1"
    assert flows["c3"].lost == 0


def test_the_supervisor_answers_while_the_network_converges(lab: SharedLab) -> None:
    before = lab.do("catchment: {is: predicted, protocol: icmp}")
    assert before.ok
    with lab.struck("kill: s1"):
        began = time.monotonic()
        assert "s1" in lab.lab.state().dead
        assert time.monotonic() - began < DETECT / 2
        assert not lab.do("expect: {from: c1, to: A, protocol: icmp, instance: s2}").ok
        assert lab.do(CONVERGED).ok


def hosts(table: Table) -> Table:
    """The routes to other nodes' addresses: those to links and to itself are the kernel's, too."""
    return {
        prefix: hops
        for prefix, hops in table.items()
        if prefix.length in (32, 128) and hops[0].gateway
    }


@pytest.mark.parametrize(
    ("options", "plane"),
    [("", KernelPlane), (", detect: 1s", SlowPlane), (", spread: 1ms", SlowPlane)],
)
def test_a_plane_that_need_not_wait_does_not(options: str, plane: type, tmp_path: Path) -> None:
    text = re.sub(r", detect: .*}", f"{options}}}", f"name: x\n{TOPOLOGY}")
    world = World(load_text(text, "x.yaml").network)
    assert type(make(world, tmp_path, Timers())) is plane


def table(lab: SharedLab, name: str) -> Table:
    with Netlink(lab.lab.namespace(name)) as socket:
        return hosts(kernel_table(socket))


def difference(found: Table, wanted: Table) -> str:
    both = sorted({*found, *wanted})
    return "\n".join(
        f"{ip_address(prefix.address)}: {found.get(prefix)}, not {wanted.get(prefix)}"
        for prefix in both
        if found.get(prefix) != wanted.get(prefix)
    )


@pytest.mark.parametrize("seed", range(3))
def test_faults_during_convergence_end_as_each_would_by_itself(lab: SharedLab, seed: int) -> None:
    chosen = random.Random(seed)
    for fault in chosen.choices(FAULTS, k=40):
        with suppress(UsageError):  # what makes no sense now is refused
            lab.do(fault)
    assert lab.do(CONVERGED).ok
    state = lab.lab.state()
    wanted = Forwarder(lab.lab.network, state).tables
    deadline = time.monotonic() + DETECT + 4 * SPREAD
    for name in wanted:
        while table(lab, name) != hosts(wanted[name]):
            assert time.monotonic() < deadline, difference(table(lab, name), hosts(wanted[name]))
