"""``ndisc6``, tshark and the kernel's tables as witnesses of who answers for an address by ND."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from anycastlab.errors import TopologyError, UsageError
from anycastlab.experiments.script import check
from anycastlab.lab.execution import Ended, run
from anycastlab.probing.captures import Captures
from anycastlab.probing.neighbour_watch import NeighbourWatch, holders, ports_towards
from anycastlab.topology.load import load_text
from tests.components.tshark import found_by_tshark
from tests.experiments.shared_lab import SharedLab
from tests.lab.conftest import unique

TOPOLOGY = """\
nodes: {c1: client, m1: router, m2: router, m3: router}
lans: {lan1: {nodes: [c1, m1, m2, m3], subnet: "2001:db8:9::/64"}}
neighbour: {anycast-delay: 50ms}
anycast:
  K: {addresses: {address: "2001:db8:9::100", mode: rfc2373}, members: [m1, m2]}
  S: {addresses: "2001:db8:9::200", members: [m1, m2]}
  T: {addresses: subnet-router(lan1), members: [m1, m2, m3]}
"""
K, S, NOBODYS = "2001:db8:9::100", "2001:db8:9::200", "2001:db8:9::300"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedLab]:
    with SharedLab.up(TOPOLOGY, unique("ndisc6"), tmp_path_factory.mktemp("lan")) as lab:
        yield lab


def soliciting(shared: SharedLab, address: str) -> Ended:
    """Have ndisc6 ask once, and wait for all that answer."""
    command = ["ndisc6", "-q", "-m", "-n", "-r", "1", "-w", "400", address, "lan1"]
    return run(shared.lab, "c1", command, 5)


def heard(shared: SharedLab, address: str) -> list[str]:
    """Who answered, by ndisc6, in the order of their answers."""
    names = holders(shared.lab.network)
    macs = soliciting(shared, address).output.split()
    return [names[bytes.fromhex(mac.replace(":", ""))] for mac in macs]


def seen_and_heard(shared: SharedLab, group: str, address: str) -> tuple[list[str], list[str]]:
    """Who answered ndisc6: as a watch of the client's port has it, and as ndisc6 has it."""
    network = shared.lab.network
    names = holders(network)
    with NeighbourWatch(shared.lab, "c1", ports_towards(network, "c1", group)) as watch:
        told = heard(shared, address)
        watch.until(time.monotonic())
        (record,) = watch.records
        return [names[one.mac] for one in record.frames if one.kind == "reply"], told


def test_ndisc6_hears_who_is_seen_to_answer_in_the_same_order(shared: SharedLab) -> None:
    seen, told = seen_and_heard(shared, "S", S)
    assert seen == told
    assert sorted(told) == ["m1", "m2"]


def test_ndisc6_hears_nobody_where_nobody_has_the_address(shared: SharedLab) -> None:
    ended = soliciting(shared, NOBODYS)
    assert (ended.status, ended.output) == (2, "")


@pytest.mark.parametrize("fault", ["cut: [lan1, m1]", "withdraw: {member: m1, group: S}"])
def test_ndisc6_hears_no_more_who_is_unplugged_or_has_withdrawn(
    shared: SharedLab, fault: str
) -> None:
    with shared.struck(fault):
        assert seen_and_heard(shared, "S", S) == (["m2"], ["m2"])
        assert shared.do("neighbours: {at: c1, of: S, ask: 1, is: m2}").ok
        assert not shared.do("neighbours: {at: c1, of: S, ask: 1, is: m1}").ok
    deadline = time.monotonic() + 10  # a port that is mended takes its time
    while sorted(heard(shared, S)) != ["m1", "m2"]:
        assert time.monotonic() < deadline


@pytest.mark.parametrize(("group", "address", "override"), [("K", K, "0"), ("S", S, "1")])
def test_only_answers_of_the_kernels_own_anycast_come_from_elsewhere_and_do_not_override(
    shared: SharedLab, tmp_path: Path, group: str, address: str, override: str
) -> None:
    """Versions of ndisc6 that want the target as the source do not hear the answers for K."""
    with Captures(shared.lab, ["c1"], tmp_path):
        seen, told = seen_and_heard(shared, group, address)
    assert sorted(seen) == ["m1", "m2"]
    assert told == seen or (group == "K" and told == [])
    answers = found_by_tshark(
        tmp_path / "c1.pcapng",
        f"icmpv6.nd.na.target_address == {address} && !_ws.malformed && !_ws.expert",
        *("icmpv6.nd.na.flag.o", "icmpv6.nd.na.flag.s", "ipv6.src"),
    )
    assert [row[:2] for row in answers] == [[override, "1"]] * 2
    assert [row[2] == address for row in answers] == [group == "S"] * 2


@pytest.mark.parametrize("node", ["m1", "m2", "m3"])
def test_iproute2_shows_whose_port_listens_to_the_solicited_node_groups(
    shared: SharedLab, node: str
) -> None:
    said = run(shared.lab, node, ["ip", "-6", "maddr", "show", "dev", "lan1"], 5).output
    groups = ["ff02::1:ff00:100", "ff02::1:ff00:200"]
    assert [group in said for group in groups] == [node != "m3"] * 2


def joined(shared: SharedLab, node: str) -> bool:
    """Whether a node's kernel holds K as anycast."""
    return (
        "20010db8000900000000000000000100"
        in run(shared.lab, node, ["cat", "/proc/net/anycast6"], 5).output
    )


def test_who_withdraws_leaves_the_kernels_own_anycast_until_announced_or_revived(
    shared: SharedLab,
) -> None:
    assert [joined(shared, node) for node in ("m1", "m2", "m3")] == [True, True, False]
    one = "frames: {repliers: 1, replies: 1}"
    with shared.struck("withdraw: {member: m1, group: K}"):
        assert [joined(shared, node) for node in ("m1", "m2")] == [False, True]
        assert shared.do(f"neighbours: {{at: c1, of: K, ask: 1, is: m2, {one}}}").ok
        assert shared.do("expect: {from: c1, to: K, instance: m2, protocol: icmp}").ok
    assert joined(shared, "m1")
    assert not shared.do(f"neighbours: {{at: c1, of: K, ask: 1, settle: 400ms, {one}}}").ok
    shared.do("withdraw: {member: m2, group: K}")
    shared.do("kill: m2")
    shared.do("revive: m2")
    assert joined(shared, "m2")


def test_nobody_withdraws_from_the_subnet_routers_address(shared: SharedLab) -> None:
    for group in ("T", None):
        with pytest.raises(UsageError, match="every router on lan1 has its subnet-router address"):
            shared.lab.withdraw("m1", group)
    experiment = "experiment:\n  - withdraw: m1\n"
    with pytest.raises(TopologyError) as caught:
        load_text(f"name: x\n{TOPOLOGY}{experiment}", "x.yaml", also=[check])
    (problem,) = caught.value.problems
    assert (problem.line, problem.column) == (10, 15)
    assert problem.message.startswith("group T: every router on lan1 has")
