"""How a group's addresses are written: modes, registries, and what is refused of them."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest

from .texts import complaints, loaded

FILE = """\
name: file
nodes: {r1: router, r2: router, s1: server}
links: [[r1, r2], [s1, r2]]
anycast:
  A: {addresses: {address: "2001:db8:a::1", mode: rfc2373}, members: [r1, r2]}
  B: {addresses: [192.0.2.1, "2001:db8:a::2"], members: [s1, r1]}
routing: kernel
"""
FORMAL = IPv6Address("2001:db8:a::1")


def changed(before: str, after: str) -> str:
    assert FILE.count(before) == 1
    return FILE.replace(before, after)


def test_a_mode_is_of_one_address_and_shared_unicast_is_the_default() -> None:
    text = changed('"2001:db8:a::2"]', '"2001:db8:a::2", {address: "2001:db8:a::3"}]')
    groups = loaded(text).network.groups
    assert groups["A"].formal == {FORMAL}
    assert len(groups["B"].addresses) == 3
    assert not groups["B"].formal


def test_a_formal_address_is_for_routers_only_and_the_rule_is_named() -> None:
    (found,) = complaints(changed("members: [r1, r2]", "members: [r1, s1]"))
    assert found == (
        "5:75: s1 is a server: of an address of mode rfc2373, as 2001:db8:a::1, only routers are "
        "members (RFC 2373, section 2.6)"
    )
    assert complaints(FILE) == []


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("mode: rfc2373", "mode: rfc1546", "expected shared-unicast or rfc2373, not 'rfc1546'"),
        ('"2001:db8:a::1"', "192.0.2.9", "mode rfc2373 is of IPv6"),
        ("routing: kernel", "routing: bird", "of mode rfc2373, needs routing: kernel"),
        ('"2001:db8:a::2"', '"2001:db8:a::1"', "2001:db8:a::1 is a service address of group A"),
    ],
)
def test_what_cannot_be_is_refused(before: str, after: str, complaint: str) -> None:
    (found,) = complaints(changed(before, after))
    assert complaint in found


def test_registries_do_not_see_each_others_addresses_but_each_sees_its_own() -> None:
    clash = changed('"2001:db8:a::2"]', '"2001:db8:a::1"]')
    assert len(complaints(clash)) == 1
    assert complaints(clash.replace("members: [s1", "registry: west, members: [s1")) == []
    both = clash.replace("members: [s1", "registry: west, members: [s1").replace(
        "members: [r1, r2]", "registry: west, members: [r1, r2]"
    )
    assert len(complaints(both)) == 1
