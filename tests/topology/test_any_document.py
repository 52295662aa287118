"""Whatever a file holds, loading it gives a sound network or a TopologyError, never a traceback."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from anycastlab.errors import TopologyError
from anycastlab.topology.health import CheckSpec
from anycastlab.topology.models import LinkSpec, NodeSpec, Topology
from anycastlab.topology.network import Network

from .texts import EVERYTHING, SMALL, loaded

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=6),
    st.sampled_from(
        ["r1", "s1", "c1", "lan1", "A", "router", "10.0.0.1", "10.255.0.1", "10.0.0.0/8", "::/0"]
    ),
    st.sampled_from(
        ["2001:db8::1", "2001:db8::/127", "192.0.2.1", "5ms", "1%", "10mbit", "kernel"]
    ),
)
KEYS = st.one_of(
    st.sampled_from(
        [*Topology.model_fields, *NodeSpec.model_fields, *LinkSpec.model_fields, "members", "r1"]
    ),
    st.text(max_size=5),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
CHECK_KEYS = [field.alias or name for name, field in CheckSpec.model_fields.items()]
CHECK_VALUES = st.one_of(
    SCALARS, st.sampled_from(["tcp", "http", "udp", "exec", "/", "10ms", "2s"]), st.integers(1, 99)
)
PARTS = st.lists(st.integers(0, 9), max_size=5)


def replaced(document: Any, way: list[int], value: Any) -> Any:
    """Return *document* with the value somewhere down the *way* replaced."""
    if not way or not isinstance(document, dict | list) or not document:
        return value
    index = way[0] % len(document)
    if isinstance(document, list):
        changed = replaced(document[index], way[1:], value)
        return [*document[:index], changed, *document[index + 1 :]]
    key = list(document)[index]
    return {**document, key: replaced(document[key], way[1:], value)}


def outcome(text: str) -> Network | TopologyError:
    """Load *text*; a TopologyError is an answer, anything else raised fails the test."""
    try:
        return loaded(text).network
    except TopologyError as error:
        assert error.problems
        lines = len(text.splitlines()) + 1
        assert all(1 <= each.line <= lines and each.column >= 1 for each in error.problems)
        return error


def assert_sound(network: Network) -> None:
    """Check what must hold in every network: unique names, indexes and addresses."""
    ends = [end for node in network.nodes.values() for end in node.interfaces]
    assert len({end.index for end in ends}) == len(ends)
    assert len({(end.node, end.name) for end in ends}) == len(ends)
    assert all(end.index >= 2 and len(end.name.encode()) <= 15 for end in ends)
    nodes = list(network.nodes.values())
    addresses = [address for node in nodes for address in (node.ipv4, node.ipv6)]
    addresses += [address for end in ends for address in (end.ipv4.ip, end.ipv6.ip)]
    addresses += [address for group in network.groups.values() for address in group.addresses]
    assert len(set(addresses)) == len(addresses)
    for link in network.links:
        assert link.a.ipv4.network == link.b.ipv4.network
        assert link.a.ipv6.network == link.b.ipv6.network
        assert link.a.index != link.b.index


@given(VALUES)
def test_any_data_loads_or_is_refused(data: Any) -> None:
    outcome(yaml.safe_dump(data, allow_unicode=True))


@settings(max_examples=300)
@given(st.lists(st.tuples(PARTS, VALUES), min_size=1, max_size=3))
def test_a_topology_with_parts_replaced_loads_or_is_refused(
    changes: list[tuple[list[int], Any]],
) -> None:
    document = yaml.safe_load(EVERYTHING)
    for way, value in changes:
        document = replaced(document, way, value)
    result = outcome(yaml.safe_dump(document, allow_unicode=True, sort_keys=False))
    if isinstance(result, Network):
        assert_sound(result)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(CHECK_KEYS), CHECK_VALUES | st.lists(CHECK_VALUES)))
def test_any_check_of_a_member_loads_or_is_refused(check: dict[str, Any]) -> None:
    document = yaml.safe_load(SMALL)
    document["anycast"]["A"]["members"] = {"s1": {"check": check}}
    result = outcome(yaml.safe_dump(document, allow_unicode=True, sort_keys=False))
    if isinstance(result, Network):
        (member,) = result.groups["A"].members
        assert member.check is not None
        assert 0.01 <= member.check.patience <= 1
        assert bool(member.check.port) != bool(member.check.command)


@given(
    st.lists(
        st.tuples(
            st.integers(0, len(EVERYTHING)),
            st.integers(0, 3),
            st.text("{}[]:,-&*!'\"#|\n\t a1", max_size=3),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_a_text_with_letters_replaced_loads_or_is_refused(
    edits: list[tuple[int, int, str]],
) -> None:
    text = EVERYTHING
    for position, length, insert in edits:
        text = text[:position] + insert + text[position + length :]
    outcome(text)


@given(st.text(max_size=60))
def test_any_text_loads_or_is_refused(text: str) -> None:
    outcome(text)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a document without mistakes."""
    count = draw(st.integers(1, 12))
    names = [
        f"{draw(st.sampled_from(['n', 'city-of-', 'node_with_a_long_name-']))}{n}"
        for n in range(count)
    ]
    some = st.lists(st.sampled_from(names), min_size=1, max_size=6, unique=True)
    pairs = [(a, b) for a in names for b in names if a < b]
    links = draw(st.lists(st.sampled_from(pairs), max_size=15, unique=True)) if pairs else []
    costs = st.one_of(st.integers(1, 65535), st.lists(st.integers(1, 99), min_size=1, max_size=2))
    return {
        "name": "lab",
        "nodes": {name: draw(st.sampled_from(["router", "server"])) for name in names},
        "links": [{"endpoints": list(link), "cost": draw(costs)} for link in links],
        "lans": {f"lan{n}": {"nodes": draw(some)} for n in range(draw(st.integers(0, 3)))},
        "anycast": {f"G{n}": {"members": draw(some)} for n in range(draw(st.integers(0, 3)))},
    }


@given(documents())
def test_a_document_without_mistakes_always_loads(document: dict[str, Any]) -> None:
    text = yaml.safe_dump(document, sort_keys=False)
    network = loaded(text).network
    assert_sound(network)
    assert list(network.nodes) == list(document["nodes"])
    assert loaded(text).network == network
    assert isinstance(outcome(text.replace("nodes:", "nodse:", 1)), TopologyError)
