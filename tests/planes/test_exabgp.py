"""A member that runs ExaBGP in the place of BIRD, with its own health check."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from anycastlab.errors import ProgramError, TopologyError
from anycastlab.experiments.load import load_checked
from anycastlab.kernel import namespace, routes
from anycastlab.kernel.netlink import Netlink
from anycastlab.kernel.process import in_other_namespaces
from anycastlab.lab.planes import exabgp, exabgp_config
from anycastlab.lab.planes.check import check
from anycastlab.lab.planes.speakers import Speakers
from anycastlab.routing.state import INTACT
from anycastlab.routing.table import Prefix
from anycastlab.topology.load import load_text
from anycastlab.topology.network import Network
from anycastlab.topology.routing_models import BgpOptions

from .conftest import needs
from .harness import Running, network_of, running

INTERVAL, FALL = 0.1, 2
BOUND = INTERVAL * FALL + 1
TWO = """\
name: hd-exa
nodes: {{r1: router, c1: client, s1: server, s2: server}}
links: [[c1, r1], [s1, r1], {{endpoints: [s2, r1], cost: 5}}]
anycast:
  A: {{members: {{s1: {{announce: exabgp, check: {{service: exec, command: test -e {ok},
    interval: 100ms, fall: 2, rise: 1}}}}, s2: }}}}
  B: {{members: {{s1: {{announce: exabgp}}, s2: }}}}
routing: {{daemon: bird, protocol: bgp}}
"""


@pytest.fixture(scope="module")
def ok(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that the health check of group A looks for."""
    path = tmp_path_factory.mktemp("exabgp") / "ok"
    path.touch()
    return path


@pytest.fixture(scope="module")
def network(ok: Path) -> Network:
    return network_of(TWO.format(ok=ok), daemon="bird", protocol="bgp")


@pytest.fixture(scope="module")
def lab(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    needs("bird")
    with running(network, tmp_path_factory.mktemp("lab")) as up:
        assert up.settle() == ""
        yield up


def ways(lab: Running, group: str, family: int = 0) -> int:
    """How many next hops r1 has to a group."""
    address = lab.world.network.groups[group].addresses[family]
    return len(lab.table("r1").get(Prefix(address.packed, address.max_prefixlen), ()))


def leads(lab: Running, group: str, count: int, within: float = 10.0) -> bool:
    """Whether r1 has so many next hops to a group in time, in both families."""

    def so(*_: object) -> bool:
        return all(ways(lab, group, family) == count for family in (0, 1))

    with Netlink(lab.world.namespaces["r1"], routes.GROUPS) as events:
        return so() or events.wait(so, within)


def test_its_own_health_check_withdraws_and_announces(lab: Running, ok: Path) -> None:
    assert leads(lab, "A", 2)
    began = time.monotonic()
    ok.unlink()
    assert leads(lab, "A", 1, within=BOUND)
    assert time.monotonic() - began >= INTERVAL * (FALL - 1)
    assert leads(lab, "B", 2)
    ok.touch()
    assert leads(lab, "A", 2, within=BOUND)
    log = (lab.plane.processes.directory("s1") / "exabgp.log").read_text()
    assert "send announces for DOWN state" in log


def test_a_check_that_passes_withdraws_nothing(lab: Running) -> None:
    assert not leads(lab, "A", 1, within=INTERVAL * FALL + 0.3)


def test_what_is_done_by_hand_reaches_it(lab: Running) -> None:
    lab.faults.withdraw("s1", "B")
    assert leads(lab, "B", 1)
    assert leads(lab, "A", 2)
    assert lab.settle() == ""
    lab.faults.announce("s1", "B")
    assert leads(lab, "B", 2)


def test_killed_it_takes_its_checks_along_and_can_be_started_again(lab: Running) -> None:
    inode = namespace.inode(lab.world.namespaces["s1"])
    (daemon,) = lab.plane.processes.running("s1")
    assert daemon.name == "exabgp"
    assert len(in_other_namespaces()[inode]) >= 3
    os.kill(daemon.pid, signal.SIGKILL)
    assert select.select([daemon.handle], [], [], 5)[0]
    assert leads(lab, "A", 1)
    assert lab.settle().startswith("exabgp in s1 ended by SIGKILL")
    deadline = time.monotonic() + 5
    while in_other_namespaces().get(inode) and time.monotonic() < deadline:
        select.select([], [], [], 0.02)
    assert in_other_namespaces().get(inode, []) == []
    lab.faults.start_daemon("s1")
    assert lab.settle() == ""
    assert leads(lab, "A", 2)


def test_it_is_told_when_it_is_not_installed_before_anything_is_made(
    network: Network, rundir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("bird")
    monkeypatch.setattr(exabgp, "find_spec", lambda _name: None)
    told = r"ExaBGP is not installed beside this Python .*; pip install 'anycastlab\[exabgp\]'"
    with pytest.raises(ProgramError, match=told) as caught, running(network, rundir):
        pytest.fail("it came up")
    assert caught.value.exit_status == 3
    assert not (rundir / "nodes").exists()


def test_a_broken_configuration_is_shown(
    network: Network, rundir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("bird")
    monkeypatch.setattr(exabgp_config, "config", lambda *_: "neighbour 10.0.0.1 {\n}\n")
    with running(network, rundir) as lab:
        said = lab.settle()
    assert said.startswith("exabgp in s1 ended with status 1")
    assert "neighbour" in said


def test_the_options_of_a_check_become_those_of_the_program(network: Network) -> None:
    speaker = Speakers(network).speaker("s1", INTACT)
    told = exabgp_config.check_options(speaker, network.groups["A"], "/run/x").splitlines()
    assert {"interval = 0.1", "fast-interval = 0.1", "fall = 2", "rise = 1"} <= set(told)
    assert {"withdraw-on-down", "no-ip-setup", "disable = /run/x/withdrawn-A"} <= set(told)
    without = exabgp_config.check_options(speaker, network.groups["B"], "/run/x")
    assert "command" not in without
    options = BgpOptions.model_validate({"timers": "default"})
    groups = tuple(network.groups.values())
    assert "hold-time" not in exabgp_config.config(speaker, groups, options, "check", "/run/x")


TAIL = "links: [[s1, r1]]\nanycast:\n  A: {members: {s1: {announce: exabgp%s}}}\n%s\n"
BIRD = "routing: bird"


@pytest.mark.parametrize(
    ("check_text", "rest", "messages"),
    [
        ("", BIRD, []),
        (", check: {service: tcp, interval: 200ms}", BIRD, []),
        ("", "routing: kernel", ["5:32: exabgp speaks BGP with BIRD: it needs 'routing: {daemon"]),
        ("", "", ["5:32: exabgp speaks BGP with BIRD"]),
        ("", "routing: frr", ["5:32: exabgp speaks BGP with BIRD"]),
        ("", "routing: {daemon: bird, protocol: ospf}", ["5:32: exabgp speaks BGP with BIRD"]),
        ("}, r1: {announce: exabgp", BIRD, ["5:56: r1 is no server: ExaBGP announces, and"]),
        (
            "",
            f"  B: {{members: [s1]}}\n{BIRD}",
            ["5:32: s1 runs ExaBGP in the place of BIRD: announce it so in group B too"],
        ),
        (
            ", check: {service: udp, hold-down: 1s, fail-open: true}",
            BIRD,
            [
                "5:57: with exabgp the checks are tcp and exec, not udp",
                "5:62: ExaBGP's health check has no hold-down",
                "5:77: ExaBGP's health check has no fail-open",
            ],
        ),
        (
            ', check: {service: exec, command: "a\\nb"}',
            BIRD,
            ["5:72: ExaBGP takes a command of one line"],
        ),
    ],
)
def test_what_exabgp_cannot_do_is_told_at_its_place(
    check_text: str, rest: str, messages: list[str]
) -> None:
    text = "name: x\nnodes: {r1: router, s1: server}\n" + TAIL % (check_text, rest)
    told: list[str] = []
    try:
        load_text(text, "f", also=(check,))
    except TopologyError as error:
        told = [f"{one.line}:{one.column}: {one.message}" for one in error.problems]
    assert len(told) == len(messages)
    assert all(one.startswith(start) for one, start in zip(told, messages, strict=True)), told


def test_who_loads_a_file_has_its_routing_checked(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("name: x\nnodes: {r1: router}\nrouting: {daemon: bird, protocol: opsf}\n")
    with pytest.raises(TopologyError, match="3:35: bird speaks bgp, ospf, rip and babel"):
        load_checked(file)
