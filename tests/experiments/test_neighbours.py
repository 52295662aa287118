"""The step and verb ``neighbours``, the fault ``advertise``: beside iproute2, arping, tshark."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from scapy.layers.l2 import Ether
from scapy.utils import wrpcap

from anycastlab.errors import TopologyError, UsageError
from anycastlab.lab.advertise import frame_of
from anycastlab.lab.execution import run
from anycastlab.probing.captures import Captures
from anycastlab.probing.neighbour_story import Story
from anycastlab.probing.neighbour_watch import NeighbourWatch, holders, ports_towards
from tests.components.tshark import found_by_tshark
from tests.experiments.networks import document
from tests.experiments.shared_lab import SharedLab
from tests.lab.conftest import unique

TOPOLOGY = """\
nodes: {c1: client, s1: server, s2: server, r1: router}
lans: {lan1: {nodes: [c1, s1, s2, r1], subnet: [10.9.0.0/24, "2001:db8:9::/64"]}}
anycast:
  A: {addresses: [10.9.0.100, "2001:db8:9::100"], members: [s1, s2]}
  B: {addresses: 192.0.2.1, members: [s1]}
neighbour: {reachable: 1s, delay: 100ms, probes: 1, retrans: 100ms, locktime: 100ms}
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedLab]:
    with SharedLab.up(TOPOLOGY, unique("neighbours"), tmp_path_factory.mktemp("lan")) as lab:
        yield lab


def printed(shared: SharedLab, node: str, command: str) -> str:
    return run(shared.lab, node, ["/bin/sh", "-c", command], 5).output


def mac(shared: SharedLab, node: str) -> str:
    return shared.lab.network.nodes[node].interfaces[0].mac.hex(":")


def anycastlab(*words: str) -> str:
    command = [sys.executable, "-m", "anycastlab", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_every_member_answers_and_each_protocol_has_its_own_winner(shared: SharedLab) -> None:
    asked = "at: c1, of: A, ask: 5, settle: 50ms"
    counted = "frames: {requests: 5, replies: 10, repliers: 2, overriding: 0}"
    assert shared.do(f"neighbours: {{{asked}, family: 4, believed: first, {counted}}}").ok
    counted = counted.replace("overriding: 0", "overriding: 10")
    outcome = shared.do(f"neighbours: {{{asked}, family: 6, believed: last, {counted}}}")
    assert outcome.ok
    assert outcome.data is not None
    (found,) = outcome.data["neighbours"]
    assert found["replies"] == {"s1": 5, "s2": 5}
    assert {one["believed"] for one in found["asked"]} == {one["last"] for one in found["asked"]}


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        ("family: 4, believed: last", "expected the last answer to be believed, it was 0 of 3"),
        ("family: 6, believed: first", "expected the first answer to be believed, it was 0 of 3"),
        ("family: 4, is: r1", "expected r1 to be believed, it is s"),
        ("family: 4, is: none", "expected nobody to be believed, it is s"),
        ("family: 4, state: failed", "expected the entry to be failed, it is reachable"),
        ("family: 4, winners: 2", "expected winners: 2, found 1"),
        ("family: 6, frames: {broadcasts: 3}", "expected broadcasts: 3, found 0"),
        ("family: 4, frames: {broadcasts: 0}", "expected broadcasts: 0, found 3"),
        ("family: 4, frames: {replies: 3}", "expected replies: 3, found 6"),
        ("family: 4, frames: {announcements: at least 1}", "announcements: at least 1, found 0"),
        ("family: 4, frames: {requests: 4}", "expected requests: 4, found 3"),
        ("family: 4, frames: {repliers: 3}", "expected repliers: 3, found 2"),
        ("family: 6, frames: {overriding: 0}", "expected overriding: 0, found 6"),
        ("family: 4, frames: {claims: at least 1}", "expected claims: at least 1, found 0"),
        ("family: 4, frames: {probes: at least 9}", "expected probes: at least 9, found"),
        ("family: 4, is: r1, within: 100ms", "expected r1 to be believed, it is s"),
    ],
)
def test_what_is_otherwise_fails_and_says_how(shared: SharedLab, expected: str, told: str) -> None:
    outcome = shared.do(f"neighbours: {{at: c1, of: A, ask: 3, settle: 50ms, {expected}}}")
    (difference,) = outcome.differences
    assert told in difference


def test_tshark_finds_the_same_in_a_capture_of_the_node(shared: SharedLab, tmp_path: Path) -> None:
    with Captures(shared.lab, ["c1"], tmp_path):
        outcome = shared.do("neighbours: {at: c1, of: A, ask: 4, settle: 50ms}")
    assert outcome.data is not None
    arp, nd = (found["counts"] for found in outcome.data["neighbours"])
    file, about = tmp_path / "c1.pcapng", "icmpv6.nd.{}.target_address == 2001:db8:9::100"
    asked = found_by_tshark(file, "arp.opcode == 1 && arp.dst.proto_ipv4 == 10.9.0.100", "arp")
    told = found_by_tshark(file, "arp.opcode == 2 && arp.src.proto_ipv4 == 10.9.0.100", "arp")
    assert (len(asked), len(told)) == (arp["requests"], arp["replies"]) == (4, 8)
    asked = found_by_tshark(file, about.format("ns"), "ipv6.dst")
    told = found_by_tshark(file, about.format("na"), "icmpv6.nd.na.flag.o")
    assert (len(asked), len(told)) == (nd["requests"], nd["replies"]) == (4, 8)
    assert {row[0] for row in asked} == {"ff02::1:ff00:100"}  # the address's solicited-node group


def test_who_withdraws_has_the_address_no_more_until_announced_or_revived(
    shared: SharedLab,
) -> None:
    def held() -> list[bool]:
        said = printed(shared, "s2", "ip addr show")
        return ["10.9.0.100/32" in said, "2001:db8:9::100/128" in said, "192.0.2.1" in said]

    assert held() == [True, True, False]
    shared.do("withdraw: s2")
    assert held() == [False, False, False]
    shared.do("announce: s2")
    assert held() == [True, True, False]
    shared.do("withdraw: s2")
    shared.do("kill: s2")
    shared.do("revive: s2")
    assert held() == [True, True, False]


def test_a_member_sends_nothing_of_its_own_from_the_address(shared: SharedLab) -> None:
    said = printed(shared, "s2", "ip -6 route get 2001:db8:9::1; ip route get 10.9.0.1")
    assert "src 2001:db8:9::3" in said
    assert "src 10.9.0.3" in said


def test_arping_hears_as_many_members(shared: SharedLab) -> None:
    said = printed(shared, "c1", "arping -w 1 -I lan1 10.9.0.100")
    for node in ("s1", "s2"):
        assert mac(shared, node).upper() in said
    assert mac(shared, "r1").upper() not in said


@pytest.mark.parametrize("node", ["s1", "s2"])
def test_who_advertises_is_believed_at_once_and_iproute2_says_so_too(
    shared: SharedLab, node: str
) -> None:
    other = "s2" if node == "s1" else "s1"
    shared.do("neighbours: {at: c1, of: A, ask: 1}")
    shared.do(f"advertise: {{node: {other}, group: A}}")
    step = f"during: [{{advertise: {{node: {node}, group: A}}}}], frames: {{announcements: 1}}"
    outcome = shared.do(f"neighbours: {{at: c1, of: A, is: {node}, state: stale, {step}}}")
    assert outcome.ok, outcome.differences
    assert outcome.data is not None
    for found in outcome.data["neighbours"]:
        assert found["changes"][-1]["why"] == f"{node} announced it"
    said = printed(shared, "c1", "ip neigh show 10.9.0.100; ip neigh show 2001:db8:9::100")
    assert said.count(mac(shared, node)) == 2


def test_an_announcement_of_arpings_is_seen_as_one(shared: SharedLab) -> None:
    shared.do("neighbours: {at: c1, of: A, family: 4, ask: 1}")
    printed(shared, "s1", "arping -U -c 1 -w 1 -I lan1 -s 10.9.0.100 10.9.0.100")
    assert shared.do("neighbours: {at: c1, of: A, family: 4, is: s1}").ok
    printed(shared, "s2", "arping -U -c 1 -w 1 -I lan1 -s 10.9.0.100 10.9.0.100")
    assert shared.do("neighbours: {at: c1, of: A, family: 4, is: s2}").ok


@pytest.mark.parametrize("node", ["s1", "s2"])
def test_who_asks_in_the_name_of_the_address_is_believed_and_counted(
    shared: SharedLab, node: str
) -> None:
    other = "s2" if node == "s1" else "s1"
    shared.do(f"advertise: {{node: {other}, group: A}}")
    towards = ports_towards(shared.lab.network, "c1", "A")[:1]
    with NeighbourWatch(shared.lab, "c1", towards) as watch:
        printed(shared, node, "arping -c 1 -w 1 -I lan1 -s 10.9.0.100 10.9.0.1")
        watch.until(time.monotonic())
        story = Story("c1", watch.records[0], holders(shared.lab.network), watch.began)
    assert story.counts()["claims"] >= 1
    assert story.name(story.last.mac) == node
    assert f"{node} asked in its name" in [change["why"] for change in story.as_json()["changes"]]


def test_a_silent_death_is_noticed_by_a_probe_without_an_answer(shared: SharedLab) -> None:
    shared.do("neighbours: {at: c1, of: A, ask: 1}")
    shared.do("advertise: {node: s2, group: A}")
    cut = "during: [{cut: [lan1, s2]}], use: 20ms, within: 5s"
    with shared.struck():
        outcome = shared.do(f"neighbours: {{at: c1, of: A, is: s1, {cut}}}")
        shared.do("mend: [lan1, s2]")
    assert outcome.ok, outcome.differences
    assert outcome.data is not None
    for found in outcome.data["neighbours"]:
        assert found["counts"]["probes"] >= 1
        assert "not confirmed, probed" in [change["why"] for change in found["changes"]]


def test_it_may_just_be_watched_for_a_while(shared: SharedLab) -> None:
    shared.do("neighbours: {at: c1, of: A, ask: 1}")
    began = time.monotonic()
    watched = "before: 300ms, frames: {requests: 0, replies: 0}"
    assert shared.do(f"neighbours: {{at: c1, of: A, {watched}}}").ok
    assert time.monotonic() - began >= 0.3


def test_the_verb_shows_nodes_in_the_place_of_macs(shared: SharedLab) -> None:
    shared.do("neighbours: {at: c1, of: A, ask: 1}")
    said = anycastlab("advertise", shared.lab.name, "s1", "A")
    assert "s1 has advertised A" in said
    entries = json.loads(anycastlab("neighbours", shared.lab.name, "c1", "--json"))
    found = {entry["address"]: entry for entry in entries}
    assert found["10.9.0.100"]["holder"] == found["2001:db8:9::100"]["holder"] == "s1"
    assert found["10.9.0.100"]["of"] == "A"
    said = anycastlab("neighbours", shared.lab.name, "c1")
    assert [line.split()[:3] for line in said.splitlines() if "10.9.0.100" in line] == [
        ["10.9.0.100", "A", "s1"]
    ]


def test_tshark_finds_announcements_of_both_families_without_fault(
    shared: SharedLab, tmp_path: Path
) -> None:
    network, file = shared.lab.network, tmp_path / "frames.pcap"
    port = network.nodes["s1"].interfaces[0]
    frames = [
        Ether(frame_of(address, port, router=router, override=not router))
        for address in network.groups["A"].addresses
        for router in (False, True)
    ]
    wrpcap(str(file), frames)
    assert found_by_tshark(file, "arp.isgratuitous", "arp.src.proto_ipv4") == [["10.9.0.100"]] * 2
    fields = ("target_address", "flag.r", "flag.o")
    shown = [f"icmpv6.nd.na.{field}" for field in fields]
    wanted = "icmpv6.checksum.status == 1 && !_ws.malformed"
    assert [row[:1] for row in found_by_tshark(file, wanted, *shown)] == [["2001:db8:9::100"]] * 2
    overriding = "icmpv6.nd.na.flag.o == 1 && icmpv6.nd.na.flag.r == 0"
    assert len(found_by_tshark(file, overriding, "frame.number")) == 1


@pytest.mark.parametrize("step", ["neighbours: {at: c1, of: B}", "advertise: {node: s1, group: B}"])
def test_an_address_that_is_of_no_lan_is_refused(shared: SharedLab, step: str) -> None:
    with pytest.raises(UsageError, match="on a LAN of"):
        shared.do(step)


@pytest.mark.parametrize(
    ("argument", "problem"),
    [
        ("neighbours: {at: c9, of: A}", "unknown node 'c9'"),
        ("neighbours: {at: c1, of: Z}", "unknown group 'Z'"),
        ("neighbours: {at: c1, of: A, is: s9}", "unknown node 's9'"),
        ("neighbours: {at: c1, of: A, frames: {request: 1}}", "did you mean 'requests'"),
        ("neighbours: {at: c1, of: A, frames: {requests: 10%}}", "expected a number of frames"),
        ("neighbours: {at: c1, of: A, ask: -1}", "0 or more"),
        ("neighbours: {at: c1, of: A, during: [{kil: s1}]}", "did you mean 'kill'"),
        ("advertise: {node: s9, group: A}", "unknown node 's9'"),
        ("advertise: {node: s1, group: A}", "'A' has no address on a LAN of 's1'"),
        ("neighbours: {at: c1, of: A}", "'A' has no address on a LAN of 'c1'"),
    ],
)
def test_a_mistake_is_told_at_its_place(argument: str, problem: str) -> None:
    with pytest.raises(TopologyError) as caught:
        document(f"- {argument}")
    assert problem in str(caught.value)
    assert str(caught.value).startswith("lab.yaml:19:")
