"""The pools, and how what the file gives is passed over."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anycastlab.topology.addresses import Pool, PoolEmptyError, Span, span, usable

from .texts import complaints, loaded

POOL = IPv4Network("10.0.0.0/24")
FIRST, LAST = span(POOL)


def spans() -> st.SearchStrategy[list[Span]]:
    starts = st.integers(FIRST - 20, LAST + 20)
    return st.lists(st.tuples(starts, st.integers(0, 40)).map(lambda s: (s[0], s[0] + s[1])))


@given(spans(), st.lists(st.sampled_from([1, 2, 8]), max_size=300))
def test_a_pool_gives_free_aligned_addresses_in_order(taken: list[Span], sizes: list[int]) -> None:
    pool, given_out = Pool(POOL, taken), FIRST - 1
    for size in sizes:
        try:
            start = pool.take(size)
        except PoolEmptyError as error:
            assert str(error) == "no address is left in 10.0.0.0/24"
            return
        assert start > given_out
        assert start % size == 0
        given_out = start + size - 1
        assert given_out <= LAST
        assert not any(first <= given_out and start <= last for first, last in taken)


@given(spans())
def test_a_pool_gives_every_free_address_before_it_is_empty(taken: list[Span]) -> None:
    pool = Pool(POOL, taken)
    free = [n for n in range(FIRST, LAST + 1) if not any(a <= n <= b for a, b in taken)]
    assert [pool.take() for _ in free] == free
    with pytest.raises(PoolEmptyError):
        pool.take()


@pytest.mark.parametrize(
    ("subnet", "first", "hosts"),
    [
        ("10.0.0.0/24", "10.0.0.1", 254),
        ("10.0.0.0/30", "10.0.0.1", 2),
        ("10.0.0.0/31", "10.0.0.0", 2),
        ("10.0.0.0/32", None, 0),
        ("2001:db8::/64", "2001:db8::1", 2**64 - 1),
        ("2001:db8::/126", "2001:db8::1", 3),
        ("2001:db8::/127", "2001:db8::", 2),
        ("2001:db8::/128", None, 0),
    ],
)
def test_the_usable_addresses_leave_out_what_no_host_may_have(
    subnet: str, first: str | None, hosts: int
) -> None:
    low, high = usable(ip_network(subnet))
    assert max(0, high - low + 1) == hosts
    if first:
        assert str(ip_network(subnet)[low - span(ip_network(subnet))[0]]) == first


def lab(nodes: str, rest: str = "") -> str:
    return f"name: lab\nnodes: {{{nodes}}}\n{rest}"


def test_a_given_node_address_is_passed_over_and_the_nth_node_keeps_its_number() -> None:
    given_late = 'd: {role: router, addresses: [10.255.0.2, "2001:db8::1"]}'
    nodes = loaded(lab(f"a: router, b: router, c: router, {given_late}")).network.nodes
    assert [str(node.ipv4) for node in nodes.values()] == [
        "10.255.0.1",
        "10.255.0.3",
        "10.255.0.4",
        "10.255.0.2",
    ]
    assert [str(node.ipv6) for node in nodes.values()] == [
        "2001:db8::2",
        "2001:db8::3",
        "2001:db8::4",
        "2001:db8::1",
    ]
    mild = loaded(lab("a: {role: router, addresses: 10.0.0.1}, b: router")).network.nodes
    assert str(mild["b"].ipv4) == "10.255.0.2"


def test_a_link_passes_over_given_addresses_in_its_family_only() -> None:
    nodes = "a: router, b: router, c: {role: router, addresses: 172.16.0.1}"
    network = loaded(lab(nodes, "links: [[a, b], [b, c]]\n")).network
    assert [str(link.a.ipv4) for link in network.links] == ["172.16.0.2/31", "172.16.0.4/31"]
    assert [str(link.a.ipv6) for link in network.links] == [
        "2001:db8:1::/127",
        "2001:db8:1::2/127",
    ]


def test_a_lan_passes_over_given_subnets_and_grows_with_its_nodes() -> None:
    many = ", ".join(f"n{number}: router" for number in range(300))
    names = ", ".join(f"n{number}" for number in range(300))
    lans = f"""lans:
  a: {{nodes: [n0]}}
  b: {{nodes: [n0], subnet: 10.254.2.0/24}}
  c: {{nodes: [n0], subnet: "2001:db8:2:3::/64"}}
  d: {{nodes: [{names}]}}
  e: {{nodes: [n0]}}
"""
    lans_by_name = {lan.name: lan for lan in loaded(lab(many, lans)).network.lans}
    assert {name: str(lan.ipv4) for name, lan in lans_by_name.items()} == {
        "a": "10.254.1.0/24",
        "b": "10.254.2.0/24",
        "c": "10.254.3.0/24",
        "d": "10.254.4.0/23",
        "e": "10.254.6.0/24",
    }
    assert str(lans_by_name["d"].ipv6) == "2001:db8:2:4::/64"
    assert str(lans_by_name["d"].ports[0].ipv6) == "2001:db8:2:4::1/64"
    assert str(lans_by_name["d"].ports[299].ipv4) == "10.254.5.44/23"


def test_254_nodes_fit_a_lan_of_24_bits_and_255_do_not() -> None:
    lengths = []
    for count in (254, 255):
        nodes = ", ".join(f"n{number}: router" for number in range(count))
        names = ", ".join(f"n{number}" for number in range(count))
        text = lab(nodes, f"lans: {{lan1: {{nodes: [{names}]}}}}\n")
        lengths.append(loaded(text).network.lans[0].ipv4.prefixlen)
    assert lengths == [24, 23]


def test_a_group_without_addresses_gets_one_per_family_that_no_other_has() -> None:
    groups = loaded(
        lab(
            "s: {role: server, addresses: 198.18.0.3}",
            "anycast:\n"
            "  A: {members: [s]}\n"
            '  B: {members: [s], addresses: [198.18.0.2, "2001:db8:a::1"]}\n'
            "  C: {members: [s]}\n"
            "  D: {members: [s], addresses: 192.0.2.7}\n",
        )
    ).network.groups
    assert {name: [str(a) for a in group.addresses] for name, group in groups.items()} == {
        "A": ["198.18.0.1", "2001:db8:a::2"],
        "B": ["198.18.0.2", "2001:db8:a::1"],
        "C": ["198.18.0.4", "2001:db8:a::3"],
        "D": ["192.0.2.7"],
    }


def test_an_address_of_rfc_1546s_own_class_is_taken() -> None:
    text = lab("s: server", "anycast: {A: {members: [s], addresses: 240.0.0.1}}\n")
    assert loaded(text).network.groups["A"].addresses == (IPv4Address("240.0.0.1"),)


def test_a_pool_that_the_file_itself_covers_is_said_to_be_empty() -> None:
    text = lab("a: router, b: router", "lans: {lan1: {nodes: [a, b], subnet: 10.0.0.0/8}}\n")
    assert complaints(text) == [
        "2:1: too many entries in nodes: no address is left in 10.255.0.0/16"
    ]


def test_more_lans_than_the_pool_has_is_said() -> None:
    lans = "".join(f"  lan{number}: {{nodes: [a]}}\n" for number in range(256))
    assert complaints(lab("a: router", f"lans:\n{lans}")) == [
        "3:1: too many entries in lans: no address is left in 10.254.0.0/16"
    ]
    given = lans.replace("]}", "], subnet: 10.9.9.0/24}", 1)
    assert complaints(lab("a: router", f"lans:\n{given}")) == []


def test_a_given_lan_subnet_has_room_for_just_its_hosts() -> None:
    network = loaded(
        lab("a: router, b: router", "lans: {lan1: {nodes: [a, b], subnet: 10.9.0.0/30}}\n")
    ).network
    assert [str(port.ipv4) for port in network.lans[0].ports] == ["10.9.0.1/30", "10.9.0.2/30"]
    assert network.lans[0].ipv6 == IPv6Network("2001:db8:2:1::/64")
