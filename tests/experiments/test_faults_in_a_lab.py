"""Every fault strikes a real lab; a right expectation of it is met, and a wrong one is not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml

from anycastlab.errors import UsageError
from anycastlab.experiments.registry import FAULTS
from anycastlab.experiments.runner import perform
from anycastlab.experiments.script import Line, typed
from anycastlab.experiments.step import Context
from anycastlab.kernel import namespace
from anycastlab.kernel.process import in_other_namespaces
from tests.experiments.shared_lab import SharedLab
from tests.lab.conftest import unique
from tests.planes.conftest import needs

TOPOLOGY = """\
nodes: {r1: router, r2: router, c1: client, c2: client, s1: server, s2: server}
links:
  - [c1, r1]
  - [c2, r2]
  - {endpoints: [s1, r1], delay: 1ms}
  - {endpoints: [r1, r2], cost: 5}
  - [s2, r2]
anycast: {A: {addresses: [192.0.2.1], members: [s1, s2]}}
"""
ASK = "from: c1, to: A, protocol: udp"


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedLab]:
    folder = tmp_path_factory.mktemp("kernel")
    with SharedLab.up(TOPOLOGY, unique("faults"), folder) as shared:
        yield shared


@pytest.fixture(scope="module")
def bird(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedLab]:
    needs("bird")
    folder = tmp_path_factory.mktemp("bird")
    with SharedLab.up(f"{TOPOLOGY}routing: bird\n", unique("daemons"), folder) as shared:
        yield shared


# The faults, what is true then, and what is not.
BY_THE_KERNEL = [
    (["kill: s1"], "instance: s2", "instance: s1"),
    (["kill: s1", "revive: s1"], "instance: s1", "instance: s2"),
    (["cut: [r1, s1]"], "instance: s2", "instance: s1"),
    (["cut: [r1, s1]", "mend: [r1, s1]"], "instance: s1", "instance: s2"),
    (["set-cost: {link: [r1, s1], cost: 50}"], "instance: s2", "instance: s1"),
    (["impair: {link: [s1, r1], loss: 100%}"], "instance: none", "instance: s1"),
    (
        ["impair: {link: [s1, r1], loss: 100%}", "restore: [r1, s1]"],
        "instance: s1",
        "instance: none",
    ),
    (["blackhole: {link: [s1, r1]}"], "instance: none", "instance: s1"),
    (["blackhole: {node: s1, way: in}"], "instance: none", "instance: s2"),
    (["blackhole: {node: s1}", "clear: {node: s1}"], "instance: s1", "instance: none"),
    (["stop-service: s1"], "instance: s1, answered: false", "instance: s1"),
    (["stop-service: s1", "start-service: s1"], "instance: s1", "instance: none"),
    (["withdraw: s1"], "instance: s2", "instance: s1"),
    (["withdraw: {member: s1, order: withdraw-first}"], "instance: s2", "instance: s1"),
    (["withdraw: {member: s1, order: stop-first}"], "instance: s2", "never: s2"),
    (["withdraw: s1", "announce: s1"], "instance: s1", "instance: s2"),
    (["drain: {member: s1, within: 200ms}"], "instance: s2", "instance: s1"),
    (
        ["flap: {fault: {kill: s1}, period: 60ms, count: 2}"],
        "instance: s1",
        "instance: none",
    ),
]
BY_DAEMONS = [
    (["stop-daemon: s1"], "instance: s2", "instance: s1"),
    (["stop-daemon: {node: s1, signal: KILL}"], "instance: s2", "instance: s1"),
    (["stop-daemon: r1"], "instance: none", "instance: s1"),
    (["stop-daemon: s1", "start-daemon: s1"], "instance: s1", "instance: s2"),
]


def verb_of(step: str) -> str:
    ((verb, _),) = yaml.safe_load(step).items()
    assert isinstance(verb, str)
    return verb


ON_A_LAN = {"advertise"}
"""Tried where there is a LAN: see the tests of neighbours."""


def test_every_fault_is_tried_here() -> None:
    tried = {verb_of(faults[-1]) for faults, *_ in BY_THE_KERNEL + BY_DAEMONS}
    assert tried | ON_A_LAN == set(FAULTS)


def name_of(value: object) -> str:
    return value[-1] if isinstance(value, list) else str(value)


@pytest.mark.parametrize(("faults", "right", "wrong"), BY_THE_KERNEL, ids=name_of)
def test_what_a_fault_does_is_seen_and_a_wrong_expectation_of_it_fails(
    kernel: SharedLab, faults: list[str], right: str, wrong: str
) -> None:
    before = kernel.lab.predict()
    with kernel.struck(*faults):
        assert kernel.do(f"expect: {{{ASK}, {right}}}").ok
        assert not kernel.do(f"expect: {{{ASK}, {wrong}}}").ok
    assert kernel.lab.predict() == before
    assert kernel.do(f"expect: {{{ASK}, instance: s1}}").ok


@pytest.mark.parametrize(("faults", "right", "wrong"), BY_DAEMONS, ids=name_of)
def test_a_stopped_daemon_takes_its_node_out_and_a_wrong_expectation_of_it_fails(
    bird: SharedLab, faults: list[str], right: str, wrong: str
) -> None:
    with bird.struck(*faults):
        assert bird.do(f"expect: {{{ASK}, {right}, within: 10s}}").ok
        assert bird.do(f"expect: {{{ASK}, instance: predicted}}").ok
        assert not bird.do(f"expect: {{{ASK}, {wrong}}}").ok
        assert bird.do("expect: {from: c2, to: A, protocol: udp, instance: s2}").ok
    assert not bird.lab.state().mute
    assert bird.do(f"expect: {{{ASK}, instance: s1, within: 10s}}").ok


@pytest.mark.parametrize(
    ("before", "mistake", "message"),
    [
        ("kill: s1", "kill: s1", "node 's1' is dead already"),
        ("kill: s1", "blackhole: {node: s9}", "no node 's9' in this lab"),
        ("blackhole: {node: s1}", "blackhole: {node: s1}", "a black hole already"),
        ("kill: s2", "clear: {node: s1}", "is no black hole"),
        ("kill: s2", "restore: [s1, r1]", "is as written"),
        ("kill: s2", "revive: s1", "node 's1' is alive"),
        ("cut: [r1, r2]", "cut: [r2, r1]", "is cut already"),
        ("cut: [r1, r2]", "mend: [r1, s1]", "is not cut"),
        ("cut: [r1, r2]", "cut: [r1, s2]", "no link between 'r1' and 's2'"),
        ("withdraw: s1", "withdraw: s1", "has withdrawn already"),
        ("withdraw: s1", "announce: s2", "has not withdrawn"),
        ("withdraw: s1", "withdraw: r1", "'r1' is no member of any group"),
        ("stop-service: s1", "stop-service: s1", "runs no service"),
        ("stop-service: s1", "stop-service: {node: s2, service: http}", "runs no http"),
        ("kill: s1", "start-service: s1", "'s1' is dead"),
        ("stop-service: s1", "start-service: s2", "no service that was stopped"),
        ("kill: s1", "stop-daemon: s2", "routing is by the lab itself (kernel)"),
        ("kill: s1", "start-daemon: s2", "routing is by the lab itself (kernel)"),
    ],
)
def test_what_makes_no_sense_now_is_refused_and_changes_nothing(
    kernel: SharedLab, before: str, mistake: str, message: str
) -> None:
    with kernel.struck(before):
        state = kernel.lab.state()
        with pytest.raises(UsageError) as refused:
            kernel.do(mistake)
        assert message in str(refused.value)
        assert kernel.lab.state() == state
    assert kernel.do("catchment: {is: predicted, protocol: icmp}").ok


@pytest.mark.parametrize(
    ("before", "mistake", "message"),
    [
        ("stop-daemon: s1", "stop-daemon: s1", "the routing daemon of 's1' is stopped already"),
        ("stop-daemon: s1", "start-daemon: s2", "the routing daemon of 's2' runs"),
        ("stop-daemon: s1", "stop-daemon: c1", "routers, servers and members do"),
        ("stop-daemon: s1", "stop-daemon: s9", "no node 's9' in this lab"),
        ("kill: s2", "stop-daemon: s2", "node 's2' is dead"),
        ("kill: s2", "start-daemon: s2", "node 's2' is dead"),
    ],
)
def test_a_daemon_that_cannot_be_stopped_or_started_is_an_error(
    bird: SharedLab, before: str, mistake: str, message: str
) -> None:
    with bird.struck(before):
        state = bird.lab.state()
        with pytest.raises(UsageError) as refused:
            bird.do(mistake)
        assert message in str(refused.value)
        assert bird.lab.state() == state
    assert bird.do("catchment: {is: predicted, protocol: icmp, within: 10s}").ok


@pytest.mark.parametrize(
    "faults",
    [("kill: s1", "kill: s2"), ("withdraw: s1", "withdraw: s2")],
    ids=["dead", "withdrawn"],
)
def test_a_stream_to_a_group_that_has_nobody_left_is_lost_whole_and_says_so(
    kernel: SharedLab, faults: tuple[str, ...]
) -> None:
    step = "stream: {from: c1, to: A, interval: 5ms, before: 50ms, after: 50ms, expect: {%s}}"
    with kernel.struck(*faults):
        outcome = kernel.do(step % "")
        assert outcome.ok
        assert outcome.seen.startswith("nobody → nobody (1); lost at most ")
        assert outcome.stream is not None
        (flow,) = outcome.stream.flows
        assert flow.received == 0
        assert flow.sent + flow.refused > 0
        (difference,) = kernel.do(step % "ends-at: s1").differences
        assert difference.endswith("expected to end at s1, ended at nobody")


def test_a_daemon_that_dies_by_itself_is_an_error_of_the_step_that_runs(bird: SharedLab) -> None:
    asked = "expect: {from: c1, to: A, protocol: udp, instance: s1, within: 10s}"
    step = Line(typed("expect", yaml.safe_load(asked)["expect"]), asked, 1)
    context = Context(bird.lab, bird.prober)
    assert perform(step, context).ok
    assert bird.lab.troubles() == []
    inode = namespace.inode(bird.lab.namespace("s2"))
    for process in in_other_namespaces()[inode]:
        process.kill()
    (died,) = perform(step, context).outcome.differences
    assert died.startswith("bird in s2 ended by SIGKILL")
    bird.do("start-daemon: s2")
    assert perform(step, context).ok
