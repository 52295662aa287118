"""Streams in a real lab: real packets, real faults, and an account of every packet."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from anycastlab.errors import UsageError
from anycastlab.lab.handle import Lab
from anycastlab.probing.stream import Stream, usual_interval
from anycastlab.probing.stream_flows import flows
from anycastlab.probing.stream_record import Pace, Strike
from anycastlab.probing.timeline import Timeline, timeline
from tests.experiments.networks import FIGURE1

pytestmark = pytest.mark.realtime

NAME = f"stream-{os.getpid()}"
PACE = Pace(interval=0.001, before=0.1, after=0.2)


@pytest.fixture
def lab(leak_guard: None, tmp_path: Path) -> Iterator[Lab]:
    """Figure 1, up."""
    file = tmp_path / "figure1.yaml"
    file.write_text(FIGURE1)
    with Lab.up(file, name=NAME) as running:
        yield running


def streamed(lab: Lab, *strikes: Strike, clients: tuple[str, ...] = ("c1",)) -> Timeline:
    sent = flows(lab.network, clients, "A", (4, 6))
    return timeline(Stream(lab, sent, PACE).run(strikes))


def kill(lab: Lab, node: str) -> Strike:
    return Strike(f"kill {node}", lambda: lab.kill(node))


def revive(lab: Lab, node: str) -> Strike:
    return Strike(f"revive {node}", lambda: lab.revive(node))


def test_without_a_fault_every_packet_arrives_and_is_answered(lab: Lab) -> None:
    found = streamed(lab, clients=("c1", "c2"))
    assert [flow.new for flow in found.flows] == ["s1", "s1", "s2", "s2"]
    for flow in found.flows:
        assert flow.sent == flow.received >= 300
        assert (flow.lost, flow.unanswered, flow.duplicated, flow.gap) == (0, 0, 0, 0)
    assert found.ok


def test_the_packets_of_a_killed_instance_go_to_the_next_and_none_is_unaccounted_for(
    lab: Lab,
) -> None:
    found = streamed(lab, kill(lab, "s1"), clients=("c1", "c2"))
    for flow in found.flows[:2]:
        assert (flow.old, flow.new) == ("s1", "s2")
        assert flow.last_old is not None
        assert flow.first_new is not None
        assert flow.gap == flow.first_new - flow.last_old > 0
        assert flow.received + flow.lost == flow.sent
        assert (flow.duplicated, flow.misdelivered) == (0, 0)
    assert [(flow.old, flow.new, flow.lost) for flow in found.flows[2:]] == [("s2", "s2", 0)] * 2
    assert found.ok


def test_it_is_told_who_lost_a_link_and_changed_a_route_before_the_first_packet(lab: Lab) -> None:
    found = streamed(lab, kill(lab, "s1"))
    (fault,) = found.recorded.struck
    told = {(one.node, one.what, one.about): one for one in found.recorded.changes}
    detected = told["r1", "link lost", "s1"]
    address = found.flows[0].flow.target.address
    rerouted = told["r1", "route", f"{address}/32"]
    assert fault.began < detected.stamp < fault.ended
    assert fault.began < rerouted.stamp < fault.ended
    assert rerouted.via == ("r2",)
    assert not [one for one in found.recorded.changes if one.node == "r2" and "link" in one.what]


def test_a_revived_instance_is_seen_from_its_first_packet_on(lab: Lab) -> None:
    lab.kill("s1")
    found = streamed(lab, revive(lab, "s1"))
    for flow in found.flows:
        assert (flow.old, flow.new) == ("s2", "s1")
        assert (flow.received + flow.lost, flow.unseen, flow.duplicated) == (flow.sent, 0, 0)
        assert flow.gap is not None
    lab.kill("s1")
    both = streamed(lab, revive(lab, "s1"), kill(lab, "s1"))
    assert [(flow.old, flow.new, flow.bounced) for flow in both.flows] == [("s2", "s2", 1)] * 2


def test_a_member_killed_and_revived_in_one_stream_has_both_lives_recorded(lab: Lab) -> None:
    found = streamed(lab, kill(lab, "s1"), revive(lab, "s1"))
    for flow in found.flows:
        assert (flow.old, flow.new) == ("s1", "s1")
        assert flow.received + flow.lost == flow.sent
        assert flow.runs[-1].packets > 100


def test_a_route_changed_behind_the_labs_back_is_a_misdelivery(lab: Lab) -> None:
    backbone = lab.network.links[-1]
    address = next(one for one in lab.network.groups["A"].addresses if one.version == 4)

    def divert() -> None:
        with lab.inside("r1"):
            words = ["ip", "route", "replace", f"{address}/32", "via", str(backbone.b.ipv4.ip)]
            subprocess.run(words, check=True)

    found = streamed(lab, Strike("divert", divert))
    four, six = found.flows
    assert (four.new, six.new) == ("s2", "s1")
    assert four.misdelivered > 100
    assert (four.ok, six.ok, found.ok) == (False, True, False)


def test_a_client_cut_off_has_no_instance_at_the_end(lab: Lab) -> None:
    found = streamed(lab, Strike("cut c1 r1", lambda: lab.cut("c1", "r1")))
    for flow in found.flows:
        assert (flow.old, flow.new, flow.gap) == ("s1", None, None)
        assert flow.lost + flow.refused >= 100
    assert found.ok


def test_ctrl_c_returns_what_there_is(lab: Lab) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    found = streamed(lab, Strike("nothing", interrupt))
    assert found.recorded.interrupted
    assert [fault.text for fault in found.recorded.struck] == ["nothing"]
    assert 50 <= found.flows[0].sent <= 300
    assert found.flows[0].lost == 0


def test_a_fault_that_is_refused_is_an_error_and_leaves_nothing(lab: Lab) -> None:
    with pytest.raises(UsageError, match="'s9'"):
        streamed(lab, kill(lab, "s9"))
    assert streamed(lab).ok


def test_a_dead_client_is_refused(lab: Lab) -> None:
    lab.kill("c1")
    with pytest.raises(UsageError, match="'c1' is dead"):
        streamed(lab)


def test_udp_answers_name_the_instance(lab: Lab) -> None:
    sent = flows(lab.network, ["c1"], "A", (4, 6))
    recorded = Stream(lab, sent, PACE, "udp").run()
    assert [flow.unanswered for flow in timeline(recorded).flows] == [0, 0]


@pytest.mark.parametrize(
    ("clients", "group", "families", "message"),
    [
        (["c9"], "A", (4,), "no node 'c9'; did you mean 'c"),
        (["s1"], "A", (4,), "'s1' is a server, not a client"),
        (["c1"], "B", (4,), "no group 'B'"),
        ([], "A", (4,), "no client is left"),
    ],
)
def test_flows_that_cannot_be_are_refused(
    lab: Lab, clients: list[str], group: str, families: tuple[int, ...], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        flows(lab.network, clients, group, families)  # type: ignore[arg-type]


def test_more_packets_than_one_process_can_send_are_refused(lab: Lab) -> None:
    sent = flows(lab.network, ["c1", "c2"], "A", (4, 6))
    with pytest.raises(UsageError, match=r"too short an interval for 4 flows; 0\.08 ms"):
        Stream(lab, sent, Pace(interval=0.00005))


def test_all_flows_together_are_by_default_at_most_ten_thousand_packets_a_second() -> None:
    assert [usual_interval(count) for count in (1, 2, 10)] == [0.0002, 0.0002, 0.001]
