"""Interface names: unique in their node, at most 15 bytes, and readable when they can be."""

from __future__ import annotations

import string

from hypothesis import given
from hypothesis import strategies as st

from anycastlab.topology.interfaces import LONGEST_INTERFACE, RESERVED, interface_name
from anycastlab.topology.names import name_problem

NAMES = st.text(string.ascii_letters + string.digits + "-_", min_size=1, max_size=32).filter(
    lambda name: name_problem("node", name) is None
)


@given(st.lists(NAMES, unique=True, max_size=30), st.lists(NAMES, unique=True, max_size=10))
def test_names_are_unique_and_fit_the_kernel(peers: list[str], lans: list[str]) -> None:
    used: set[str] = set()
    names = [interface_name(f"to-{peer}", used) for peer in peers]
    names += [interface_name(lan, used) for lan in lans]
    assert len(set(names)) == len(names) == len(used)
    assert all(0 < len(name.encode()) <= LONGEST_INTERFACE for name in names)
    assert not RESERVED.intersection(names)
    assert not any(set(name) & set("/: ") for name in names)


@given(NAMES.filter(lambda name: len(name) <= 12))
def test_a_short_peer_is_written_out(peer: str) -> None:
    assert interface_name(f"to-{peer}", set()) == f"to-{peer}"


@given(st.lists(NAMES, unique=True, max_size=10))
def test_the_same_names_come_out_again(peers: list[str]) -> None:
    first, second = set[str](), set[str]()
    assert [interface_name(p, first) for p in peers] == [interface_name(p, second) for p in peers]


def test_a_long_peer_keeps_its_beginning() -> None:
    assert interface_name("to-amsterdam-router-1", set()) == "to-amsterd-4f9e"
    assert interface_name("to-amsterdam-router-2", set()) == "to-amsterd-f1c7"


def test_a_reserved_name_is_avoided() -> None:
    assert interface_name("lo", set()) == "lo-137b"
    assert interface_name("all", set()).startswith("all-")


def test_a_shortened_name_that_is_taken_gets_other_digits() -> None:
    taken = interface_name("to-amsterdam-router-1", set())
    other = interface_name("to-amsterdam-router-1", {taken})
    assert other != taken
    assert other.startswith("to-amsterd-")
