"""What a file may say of how its members announce themselves."""

from __future__ import annotations

import pytest

from anycastlab.components.check import check as check_components
from anycastlab.components.membership.check import check
from anycastlab.errors import TopologyError
from anycastlab.topology.load import load_text

TEXT = """\
name: lab
nodes: {{r1: {router}, c1: client, s1: {{role: server, run: [{host}]}}, s2: server}}
links: [[c1, r1], [s1, r1], [s1, s2]]
anycast:
  A: {{addresses: {addresses}, members: {members}}}
routing: {routing}
"""
USUAL = {
    "router": "router",
    "host": "membership-host",
    "addresses": '"2001:db8:a::1"',
    "members": "{s1: {announce: mld}}",
    "routing": "kernel",
}


def complaints(**changed: str) -> list[str]:
    try:
        load_text(TEXT.format(**{**USUAL, **changed}), "lab.yaml", also=(check_components, check))
    except TopologyError as error:
        return [f"{each.line}:{each.column}: {each.message}" for each in error.problems]
    return []


def agent(options: str) -> str:
    return f"{{role: router, run: [{{membership-router: {options}}}]}}"


@pytest.mark.parametrize(
    "fine",
    [
        {},
        {"routing": "{daemon: bird, protocol: ospf}"},
        {"routing": "{daemon: bird, protocol: rip}", "members": "{s1: {announce: rip}, s2: }"},
        {"routing": "frr", "members": "{s1: {announce: bgp}}"},
        {"addresses": "192.0.2.1", "members": "{s1: {announce: igmp}}"},
        {"router": agent("{permit: [{source: s1, group: A}], timers: default, table: 5}")},
        {"router": agent("{timers: {query: 5s, response: 1s, robustness: 3}, rate: 10}")},
        {"host": "{membership-host: {join: false}}"},
    ],
)
def test_what_can_be_is_not_complained_of(fine: dict[str, str]) -> None:
    assert complaints(**fine) == []


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"members": "{s1: {announce: ospf}}"},
            "5:60: announce: ospf takes a routing daemon: "
            "write 'routing: {daemon: bird, protocol: ospf}'",
        ),
        (
            {"members": "{s1: {announce: rip}}", "routing": "{daemon: bird, protocol: babel}"},
            "5:60: bird speaks babel here, not rip",
        ),
        (
            {"members": "{s1: {announce: ospf}}", "routing": "frr"},
            "5:60: frr speaks bgp here, not ospf",
        ),
        (
            {"addresses": "192.0.2.1"},
            "5:54: mld announces one IPv6 address: give group A just such a one, under 'addresses'",
        ),
        (
            {"addresses": '[192.0.2.1, "2001:db8:a::1"]', "members": "{s1: {announce: igmp}}"},
            "5:73: igmp announces one IPv4 address: give group A just such a one, "
            "under 'addresses'",
        ),
        ({"members": "{s2: {announce: nd}}"}, "5:60: no router is beside s2, which could hear it"),
        (
            {"routing": "frr"},
            "5:60: mld hands its routes to the lab itself (kernel) or to bird, not to frr",
        ),
        (
            {"members": "{s1: {announce: mdl}}"},
            "5:60: expected static, rip, ospf, bgp, babel, exabgp, mld, igmp or nd, not 'mdl'; "
            "did you mean 'mld'?",
        ),
        (
            {"router": agent("{permit: [{source: s7, group: A}]}")},
            "2:73: no node 's7'; did you mean 's2'?",
        ),
        (
            {"router": agent("{permit: [{source: s1, group: B}]}")},
            "2:84: no group 'B'; known here: A",
        ),
        (
            {"router": agent("{timers: {query: 1s, response: 2s}}")},
            "2:63: query must be longer than response",
        ),
        ({"router": agent("{table: 0}")}, "2:62: expected a number of 1 or more, not 0"),
        ({"router": agent("{tabel: 5}")}, "2:55: unknown key 'tabel'; did you mean 'table'?"),
    ],
)
def test_a_mistake_is_told_at_its_place(changed: dict[str, str], message: str) -> None:
    assert complaints(**changed) == [message]
