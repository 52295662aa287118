"""Service addresses of a LAN's own subnet: where they may stand, and who may have them."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from .texts import complaints, loaded

FILE = """\
name: lan
nodes: {r1: router, s1: server, s2: server}
links: [[r1, s2]]
lans: {lan1: {nodes: [r1, s1], subnet: [10.9.0.0/29, "2001:db8:9::/64"]}}
anycast:
  A: {addresses: [10.9.0.5, "2001:db8:9::5"], members: [r1, s1]}
  B: {addresses: 192.0.2.1, members: [s1]}
routing: kernel
"""


def changed(before: str, after: str) -> str:
    assert FILE.count(before) == 1
    return FILE.replace(before, after)


def test_it_is_known_by_the_lan_whose_given_subnet_has_it() -> None:
    groups = loaded(FILE).network.groups
    addresses = ip_address("10.9.0.5"), ip_address("2001:db8:9::5")
    assert dict(groups["A"].on_link) == dict.fromkeys(addresses, "lan1")
    assert groups["A"].given_up == addresses
    assert dict(groups["B"].on_link) == {}


def test_a_counted_group_has_as_many_of_them() -> None:
    text = changed(
        'A: {addresses: [10.9.0.5, "2001:db8:9::5"],', "A: {count: 2, addresses: 10.9.0.5,"
    )
    groups = loaded(text).network.groups
    assert dict(groups["A2"].on_link) == {ip_address("10.9.0.6"): "lan1"}


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("members: [r1, s1]", "members: [r1, s2]", "6:61: s2 is not on LAN lan1"),
        ("members: [r1, s1]", "members: {s2: }", "6:57: s2 is not on LAN lan1"),
        ("members: [r1, s1]", "members: {s1: {announce: igmp}}", "6:57: 10.9.0.5 is of LAN lan1"),
        ("[10.9.0.5,", "[10.9.0.2,", "6:19: service address 10.9.0.2 is taken: it is the address"),
        ("[10.9.0.5,", "[10.9.0.7,", "6:19: service address 10.9.0.7 is taken: it is no host's"),
        ("9::5", "9::", "6:29: service address 2001:db8:9:: is taken: it is no host's"),
        (
            "routing: kernel",
            "routing: {daemon: bird, protocol: bgp}",
            "6:19: 10.9.0.5, of LAN lan1",
        ),
    ],
)
def test_what_could_not_be_answered_for_on_the_link_is_refused(
    before: str, after: str, message: str
) -> None:
    assert any(message in line for line in complaints(changed(before, after)))
