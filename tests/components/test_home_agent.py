"""Home agent address discovery: the messages by another's reading, agents in a lab, the step."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.inet6 import ICMPv6HAADReply, ICMPv6HAADRequest

from anycastlab.components import home_agent_wire as wire
from anycastlab.errors import TopologyError, UsageError
from anycastlab.experiments.home_agents import HomeAgents
from anycastlab.experiments.load import load_checked
from anycastlab.lab.handle import Lab
from anycastlab.probing.home_agents import Discovery, discover
from tests.lab.conftest import unique
from tests.lab.impaired import eventually

TOPOLOGY = """\
nodes:
  r: router
  h1: {role: router, run: [{home-agent: {group: H}}]}
  h2: {role: router, run: [{home-agent: {group: H}}]}
  c: client
links: [[c, r], [r, h1], {endpoints: [r, h2], cost: 4}]
lans: {home: {nodes: [h1, h2], subnet: "2001:db8:9::/64"}}
anycast:
  H: {addresses: mobile-ipv6-home-agents(home), members: [h1, h2]}
  F: {addresses: 192.0.2.1, members: [h1]}
"""
AGENTS = IPv6Address("2001:db8:9::1"), IPv6Address("2001:db8:9::2")
ASKED = "2001:db8:9:0:fdff:ffff:ffff:fffe"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    file: Path = tmp_path_factory.mktemp("agents") / "agents.yaml"
    file.write_text(f"name: {unique('agents')}\n{TOPOLOGY}")
    with Lab.up(file) as running:
        yield running


def test_scapy_reads_the_messages_as_we_write_them() -> None:
    request, reply = ICMPv6HAADRequest(wire.request(7)), ICMPv6HAADReply(wire.reply(7, AGENTS))
    assert (request.type, request.code, request.id) == (144, 0, 7)
    assert (reply.type, reply.id, reply.addresses) == (145, 7, [str(agent) for agent in AGENTS])


def test_we_read_the_messages_as_scapy_writes_them() -> None:
    reply = bytes(ICMPv6HAADReply(id=9, addresses=[str(agent) for agent in AGENTS]))
    assert wire.identifier_of(reply, wire.REPLY) == 9
    assert wire.agents_of(reply) == AGENTS


@pytest.mark.parametrize("message", [b"", b"\x90", wire.reply(1, ()), b"\x90\x01" + bytes(6)])
def test_what_is_no_request_has_no_identifier(message: bytes) -> None:
    assert wire.identifier_of(message, wire.REQUEST) is None


def test_a_reply_that_is_cut_short_names_the_whole_addresses_only() -> None:
    assert wire.agents_of(wire.reply(1, AGENTS)[:-1]) == AGENTS[:1]


def test_the_nearest_agent_answers_once_from_its_own_address(lab: Lab) -> None:
    found = discover(lab, "c", "H", 2.0, 0.05)
    assert found == Discovery(ASKED, ("h1", "h2"), "h1", "2001:db8:9::1", 1)


def test_what_goes_to_an_agents_own_address_is_not_answered_but_counted(lab: Lab) -> None:
    before = lab.show("h1", "home-agent")["home-agent"]
    with lab.socket("c", socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as asking:
        asking.sendto(wire.request(1), ("2001:db8:9::1", 0))
        asking.sendto(wire.request(2)[:6], (ASKED, 0))
    expected = {**before, "ignored": before["ignored"] + 2}
    assert eventually(lambda: lab.show("h1", "home-agent")["home-agent"] == expected)


def test_an_agent_that_stops_is_silent_though_the_address_is_there(lab: Lab) -> None:
    lab.stop_service("h1", "home-agent")
    assert discover(lab, "c", "H", 0.2, 0.05).replies == 0
    lab.start_service("h1", "home-agent")
    assert discover(lab, "c", "H", 2.0, 0.05).replies == 1


def test_a_group_without_an_ipv6_address_cannot_be_asked(lab: Lab) -> None:
    with pytest.raises(UsageError, match="has no IPv6 address"):
        discover(lab, "c", "F", 1.0, 0.0)


FOUND = Discovery(ASKED, ("h1", "h2"), "h1", "2001:db8:9::1", 1)
SILENCE = Discovery(ASKED, (), None, None, 0)


@pytest.mark.parametrize(
    ("argument", "found", "difference"),
    [
        ({"answered-by": ["h1", "h2"], "agents": ["h2", "h1"]}, FOUND, None),
        ({"answered-by": "none"}, SILENCE, None),
        ({"answered-by": "h2"}, FOUND, "expected h2 to answer, it was h1"),
        ({"answered-by": "none"}, FOUND, "expected nobody to answer, it was h1"),
        ({"answered-by": "h1"}, SILENCE, "expected h1 to answer, it was nobody"),
        ({"answered-by": "h1", "agents": "h1"}, FOUND, "expected agents h1, named h1, h2"),
        (
            {"answered-by": "h1"},
            Discovery(ASKED, ("h1",), "h1", ASKED, 1),
            "expected a unicast source, it was the anycast address itself",
        ),
        (
            {"answered-by": "h1"},
            Discovery(ASKED, ("h1",), "h1", "2001:db8:9::1", 2),
            "expected one reply, there were 2",
        ),
    ],
)
def test_the_step_judges_what_is_found(
    argument: dict[str, Any], found: Discovery, difference: str | None
) -> None:
    step = HomeAgents.model_validate({"from": "c", "to": "H", **argument})
    assert step.differences(found) == (() if difference is None else (difference,))


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("{group: H}", "{group: Q}", "no group 'Q'"),
        ("{group: H}", "{group: F}", "group 'F' has no address on a LAN of h1"),
        ("members: [h1, h2]", "members: [h2]", "group 'H' has not h1 as a member"),
    ],
)
def test_a_wrong_name_is_told_at_its_place(
    tmp_path: Path, before: str, after: str, told: str
) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(f"name: bad\n{TOPOLOGY.replace(before, after, 1)}")
    with pytest.raises(TopologyError) as caught:
        load_checked(file)
    (problem,) = caught.value.problems
    assert problem.line == 4
    assert problem.message.startswith(f"home-agent: {told}")
