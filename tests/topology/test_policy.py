"""What `routing:` says of borders, and groups written as many: what they become, or why not."""

from __future__ import annotations

from ipaddress import IPv4Network, ip_address

import pytest

from anycastlab.topology.network import Aggregate, Filter

from .texts import complaints, loaded

FILE = """\
name: file
nodes: {a: router, b: router, o: router, s: server, c: client}
links: [[s, a], [a, b], [b, o], [c, o]]
anycast:
  A: {count: 3, addresses: [192.0.2.1, "2001:db8:a::1"], members: [s]}
  B: {members: [s]}
routing:
  aggregate: {at: b, prefix: 192.0.2.0/24, towards: o}
  filter: [{at: o, longest: {ipv4: 24, ipv6: 48}, from: [b]}]
"""


def changed(before: str, after: str) -> str:
    assert FILE.count(before) == 1
    return FILE.replace(before, after)


def test_borders_are_resolved() -> None:
    routing = loaded(FILE).network.routing
    assert routing.aggregates == (Aggregate("b", IPv4Network("192.0.2.0/24"), ("o",)),)
    assert routing.filters == (Filter("o", {4: 24, 6: 48}, ("b",)),)
    assert routing.policed
    assert not loaded(FILE.partition("routing:")[0]).network.routing.policed


def test_a_count_makes_so_many_groups_with_one_address_after_the_other() -> None:
    groups = loaded(FILE).network.groups
    assert list(groups) == ["A1", "A2", "A3", "B"]
    assert groups["A3"].addresses == (ip_address("192.0.2.3"), ip_address("2001:db8:a::3"))
    assert groups["B"].addresses == (ip_address("198.18.0.1"), ip_address("2001:db8:a::4"))
    assigned = loaded(changed('addresses: [192.0.2.1, "2001:db8:a::1"], ', "")).network.groups
    assert assigned["A3"].addresses == (ip_address("198.18.0.3"), ip_address("2001:db8:a::3"))


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("at: b", "at: bb", "unknown node 'bb'"),
        ("at: b", "at: s", "s is a server: borders are between routers"),
        ("towards: o", "towards: c", "c is a client: borders are between routers"),
        ("at: b, prefix", "at: a, prefix", "no link joins a and o"),
        ("from: [b]", "from: [a]", "no link joins o and a"),
        ("towards: o", "towards: []", "expected at least one router"),
        ("192.0.2.0/24", "192.0.2.1/24", "host bits set"),
        ("longest: {ipv4: 24, ipv6: 48}", "longest: {}", "filters nothing"),
        ("longest: {ipv4: 24, ipv6: 48}", "longest: {ipv4: 33}", "33"),
        ("routing:\n", "routing:\n  daemon: bird\n", "aggregate needs routing: kernel; bird has"),
        ("routing:\n", "routing:\n  detect: 1s\n", "aggregate excludes detect and spread"),
        ("  B: ", "  A2: ", "a group 'A2' is in group A and in A2"),
        ("count: 3", "count: 0", "0"),
        ("192.0.2.1,", "255.255.255.254,", "there are not 3 addresses from 255.255.255.254 on"),
        ("B: {", "B: {addresses: 192.0.2.3, ", "192.0.2.3 is a service address of group A3"),
        ("192.0.2.1,", "10.255.0.0,", "service address 10.255.0.1 is taken"),
    ],
)
def test_what_cannot_be_is_refused(before: str, after: str, complaint: str) -> None:
    found = complaints(changed(before, after))
    assert len(found) == 1
    assert complaint in found[0]
