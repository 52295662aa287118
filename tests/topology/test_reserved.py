"""The anycast addresses every IPv6 subnet has, against the tables of RFC 4291 and RFC 2526."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

import pytest

from anycastlab.topology.addresses import usable
from anycastlab.topology.reserved import (
    MOBILE_IPV6_HOME_AGENTS,
    NamedAddress,
    reserved,
    subnet_router,
)

from .texts import complaints, loaded

LAN = """\
name: lan
nodes: {r1: router, r2: router, r3: router, s1: server, c1: client}
links: [[r3, r1]]
lans:
  lan1: {nodes: [r1, r2, s1, c1], subnet: "2001:db8:9::/64"}
  odd: {nodes: [r1, r3], subnet: "2001:db8:8::/127"}
  cramped: {nodes: [r1, r3], subnet: "2001:db8:7::/122"}
anycast:
  A: {addresses: ADDRESS, members: MEMBERS}
"""


def with_address(address: str, members: str) -> list[str]:
    return complaints(LAN.replace("ADDRESS", address).replace("MEMBERS", members))


@pytest.mark.parametrize(
    ("prefix", "number", "address"),
    [
        # RFC 2526, section 2: 64 bits, EUI-64: 1111110111111111...1 and the number
        ("2001:db8:9::/64", 0x00, "2001:db8:9:0:fdff:ffff:ffff:ff80"),
        ("2001:db8:9::/64", MOBILE_IPV6_HOME_AGENTS, "2001:db8:9:0:fdff:ffff:ffff:fffe"),
        ("2001:db8:9::/64", 0x7F, "2001:db8:9:0:fdff:ffff:ffff:ffff"),
        ("fe80::/64", 0x7E, "fe80::fdff:ffff:ffff:fffe"),
        # other identifiers: ones and the number; a prefix of 64 bits that begins with 000 too
        ("4:3:2:1::/64", 0x00, "4:3:2:1:ffff:ffff:ffff:ff80"),
        ("4:3:2:1::/64", 0x7E, "4:3:2:1:ffff:ffff:ffff:fffe"),
        ("4:3:2:1::/64", 0x7F, "4:3:2:1:ffff:ffff:ffff:ffff"),
        ("2001:db8:8::/112", 0x00, "2001:db8:8::ff80"),
        ("2001:db8:8::/112", 0x7E, "2001:db8:8::fffe"),
        ("2001:db8:8::/112", 0x7F, "2001:db8:8::ffff"),
        ("2001:db8::/48", 0x7E, "2001:db8:0:ffff:ffff:ffff:ffff:fffe"),
        ("2001:db8:8::/121", 0x7E, "2001:db8:8::7e"),
    ],
)
def test_a_reserved_address_is_that_of_the_rfc(prefix: str, number: int, address: str) -> None:
    assert reserved(IPv6Network(prefix), number) == IPv6Address(address)


@pytest.mark.parametrize(("prefix", "number"), [("2001:db8::/122", 0), ("2001:db8::/64", 128)])
def test_there_are_128_of_them_and_only_where_they_fit(prefix: str, number: int) -> None:
    with pytest.raises(ValueError, match=r"has no reserved anycast address .* \(RFC 2526"):
        reserved(IPv6Network(prefix), number)


@pytest.mark.parametrize(
    ("prefix", "last"),
    [
        ("2001:db8:8::/112", "2001:db8:8::ff7f"),
        ("2001:db8:8::/120", "2001:db8:8::7f"),
        ("2001:db8:8::/121", "2001:db8:8::7f"),
        ("2001:db8:9::/64", "2001:db8:9:0:ffff:ffff:ffff:ffff"),
        ("2001:db8:8::/127", "2001:db8:8::1"),
    ],
)
def test_nobody_gets_a_reserved_address_as_its_own(prefix: str, last: str) -> None:
    assert usable(IPv6Network(prefix))[1] == int(IPv6Address(last))


def test_the_subnet_routers_address_is_the_prefix_and_zeros() -> None:
    assert subnet_router(IPv6Network("2001:db8:9::/64")) == IPv6Address("2001:db8:9::")


def test_a_name_becomes_the_lans_address() -> None:
    text = LAN.replace("ADDRESS", "subnet-router(lan1)").replace("MEMBERS", "[r1, r2]")
    group = loaded(text).network.groups["A"]
    assert group.addresses == (IPv6Address("2001:db8:9::"),)
    assert group.formal == set(group.addresses)
    assert group.on_link == {IPv6Address("2001:db8:9::"): "lan1"}


def test_what_has_not_the_form_of_a_name_is_none() -> None:
    assert NamedAddress.parse("2001:db8::1") is None
    assert str(NamedAddress.parse("subnet-router( lan1 )")) == "subnet-router(lan1)"


@pytest.mark.parametrize(
    ("address", "members", "complaint"),
    [
        ("subnet-roter(lan1)", "[r1, r2]", "unknown anycast address 'subnet-roter'; did you mean"),
        ("subnet-router(lan7)", "[r1, r2]", "unknown LAN 'lan7'; did you mean 'lan1'?"),
        (
            '"2001:db8:9:0:fdff:ffff:ffff:ff85"',
            "[s1]",
            "is a reserved anycast address of LAN lan1 (RFC 2526, section 2), and never unicast",
        ),
        ("subnet-router(lan1)", "[r1]", "all routers on lan1 have this address (RFC 4291"),
        ("subnet-router(lan1)", "[r1, r2, r3]", "member r3 is not on LAN lan1"),
        ("subnet-router(odd)", "[r1, r3]", "the longest prefix is /126 (RFC 6164"),
        ("mobile-ipv6-home-agents(cramped)", "[r1]", "the longest prefix is /121 (RFC 2526"),
        ("mobile-ipv6-home-agents(lan1)", "[s1]", "s1 is a server: of an address of mode rfc2373"),
        (
            "{address: subnet-router(lan1), mode: shared-unicast}",
            "[r1, r2]",
            "subnet-router(lan1) is never unicast (RFC 4291, section 2.6.1; RFC 2526)",
        ),
        (
            "subnet-router(lan1)",
            "{r1: {announce: mld}, r2: }",
            "no route leads to subnet-router(lan1), so announce of member r1 is static",
        ),
        (
            "subnet-router(lan1)",
            "{r1: , r2: {check: http}}",
            "no check of member r2: every router on lan1 has its subnet-router address by itself",
        ),
    ],
)
def test_a_name_that_cannot_be_is_refused_with_the_rule(
    address: str, members: str, complaint: str
) -> None:
    (found,) = with_address(address, members)
    assert complaint in found


@pytest.mark.parametrize(
    "address",
    [
        '{address: "2001:db8:9:0:fdff:ffff:ffff:ff85", mode: rfc2373}',
        '"2001:db8:9:0:fdff:ffff:ffff:ff7f"',
        '"2001:db8:9:0:ffff:ffff:ffff:ff85"',
    ],
)
def test_a_reserved_address_may_be_anycast_and_others_unicast(address: str) -> None:
    assert with_address(address, "[r1]") == []


def test_home_agents_may_be_some_of_the_routers() -> None:
    assert with_address("mobile-ipv6-home-agents(lan1)", "[r2]") == []
