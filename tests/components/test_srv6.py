"""Segment routing: a source, a segment and an edge in a lab; and routing headers of type 0."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from anycastlab.components.base import Place
from anycastlab.components.filter import interfaces
from anycastlab.errors import TopologyError, UsageError
from anycastlab.experiments.load import load_checked
from anycastlab.experiments.routing_header import RoutingHeader
from anycastlab.experiments.step import Context
from anycastlab.lab.handle import Lab
from anycastlab.probing.prober import Prober
from anycastlab.probing.routing_header import Reaction, ask, packet
from tests.lab.conftest import unique

TOPOLOGY = """\
nodes:
  r: {role: router, run: [{srv6-edge: {outside: o}}]}
  x: {role: router, run: [{srv6-end: {sid: X}}]}
  y: router
  o: router
  c: {role: client, run: [{srv6-via: {to: D, through: X}}]}
  k: {role: client, run: [{srv6-via: {to: D, through: X}}]}
  d: server
links: [[c, r], [r, y], [r, o], [k, o], [y, d], {endpoints: [r, x], cost: 9}, [x, y]]
anycast:
  X: {addresses: "2001:db8:5::1", members: [x]}
  D: {addresses: "2001:db8:d::1", members: [d]}
  E: {addresses: "2001:db8:d::2", members: [d]}
  F: {addresses: 192.0.2.1, members: [d]}
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    file: Path = tmp_path_factory.mktemp("srv6") / "srv6.yaml"
    file.write_text(f"name: {unique('srv6')}\n{TOPOLOGY}")
    with Lab.up(file) as running:
        yield running


def ping(lab: Lab, node: str, address: str) -> bool:
    with lab.inside(node):
        command = ["ping", "-6", "-c", "1", "-W", "1", address]
        return subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == 0


def crossed(lab: Lab) -> int:
    return int(lab.show("x", "srv6-end")["srv6-end"]["packets"])


def test_packets_go_by_way_of_the_segment_until_the_source_stops(lab: Lab) -> None:
    before = crossed(lab)
    assert ping(lab, "c", "2001:db8:d::1")
    assert crossed(lab) == before + 1
    lab.stop_service("c", "srv6-via")
    assert ping(lab, "c", "2001:db8:d::1")
    assert crossed(lab) == before + 1
    lab.start_service("c", "srv6-via")
    assert ping(lab, "c", "2001:db8:d::1")
    assert crossed(lab) == before + 2


def test_a_segment_that_stops_is_an_ordinary_address_again(lab: Lab) -> None:
    assert not ping(lab, "y", "2001:db8:5::1"), "a segment answers nothing itself"
    lab.stop_service("x", "srv6-end")
    assert ping(lab, "y", "2001:db8:5::1")
    assert not ping(lab, "c", "2001:db8:d::1"), "nobody unwraps"
    lab.start_service("x", "srv6-end")
    assert ping(lab, "c", "2001:db8:d::1")


def test_the_edge_drops_headers_from_outside_and_counts_until_it_stops(lab: Lab) -> None:
    before = lab.show("r", "srv6-edge")["srv6-edge"]["dropped"]
    assert not ping(lab, "k", "2001:db8:d::1")
    assert lab.show("r", "srv6-edge")["srv6-edge"]["dropped"] == before + 1
    lab.stop_service("r", "srv6-edge")
    assert ping(lab, "k", "2001:db8:d::1")
    lab.start_service("r", "srv6-edge")
    assert not ping(lab, "k", "2001:db8:d::1")


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("sid: X", "sid: XX", "4:44: srv6-end: no group 'XX'"),
        (
            "c: {role: client, run: [{srv6-via: {to: D",
            "c: {role: client, run: [{srv6-via: {to: Q",
            "'Q'",
        ),
        ("sid: X", "sid: d", "srv6-end: no group 'd'"),
        ("sid: X", "sid: F", "srv6-end: group 'F' has no IPv6 address"),
        ("outside: o", "outside: q", "srv6-edge: no neighbour 'q'"),
        ("outside: o", "outside: d", "srv6-edge: no neighbour 'd'"),
        ("outside: o", "outside: []", "expected at least 1 entry"),
        ("sid: X", "sid: X, behaviour: End.X", "End.DT6"),
    ],
)
def test_a_name_that_leads_nowhere_is_refused_at_its_place(
    tmp_path: Path, before: str, after: str, complaint: str
) -> None:
    file = tmp_path / "bad.yaml"
    assert TOPOLOGY.count(before) == 1
    file.write_text(f"name: bad\n{TOPOLOGY.replace(before, after)}")
    with pytest.raises(TopologyError, match=r":\d+: ") as refused:
        load_checked(file)
    (problem,) = refused.value.problems
    assert complaint in str(problem)


def test_rules_name_the_interfaces_towards_nodes_and_lans(tmp_path: Path) -> None:
    file = tmp_path / "near.yaml"
    nodes = "nodes: {r: router, o: router, p: client}\nlinks: [[r, o]]\n"
    file.write_text(f"name: near\n{nodes}lans: {{lan1: {{nodes: [r, p]}}}}\n")
    place = cast(Place, SimpleNamespace(node="r", network=load_checked(file).network))
    assert interfaces(place, ["o", "lan1"]) == '{ "to-o", "lan1" }'
    with pytest.raises(UsageError, match="'p' is no neighbour of 'r'; they are o, lan1"):
        interfaces(place, ["p"])


# Routing headers of type 0


def test_the_header_is_that_of_the_rfc(lab: Lab) -> None:
    nodes = lab.network.nodes
    made = packet(nodes["c"].ipv6, nodes["d"].ipv6, 1, 7)
    assert made[6] == 43, "a routing header follows"
    assert made[40:48] == bytes([58, 2, 0, 1, 0, 0, 0, 0]), "ICMPv6 next, 2 words, type 0, 1 left"
    assert made[48:64] == nodes["c"].ipv6.packed


def test_linux_answers_as_rfc_5095_has_it(lab: Lab) -> None:
    some, none = ask(lab, "k", "E", 1), ask(lab, "k", "E", 0)
    assert (some.answer, some.code, some.pointer) == ("parameter-problem", 0, 42)
    assert (none.answer, none.pointer, none.reply_from) == ("echo-reply", None, "2001:db8:d::2")
    assert some.ok
    assert none.ok


@pytest.mark.parametrize(
    "reaction",
    [
        Reaction("c", "D", "::1", 1, "silent"),
        Reaction("c", "D", "::1", 1, "echo-reply"),
        Reaction("c", "D", "::1", 1, "parameter-problem", 0, 40),
        Reaction("c", "D", "::1", 0, "parameter-problem", 0, 42),
    ],
)
def test_any_other_reaction_is_not_as_the_rfc_has_it(reaction: Reaction) -> None:
    assert not reaction.ok


@pytest.mark.parametrize(
    ("argument", "difference"),
    [
        ({"answer": "parameter-problem", "pointer": 42}, None),
        ({"answer": "parameter-problem", "pointer": 40}, "expected pointer 40, it is 42"),
        ({"answer": "echo-reply"}, "expected echo-reply, it was parameter-problem"),
        ({"answer": "silent", "left": 0}, "expected silent, it was echo-reply"),
    ],
)
def test_the_step_judges_the_answer(
    lab: Lab, argument: dict[str, object], difference: str | None
) -> None:
    step = RoutingHeader.model_validate({"from": "k", "to": "E", **argument})
    with Prober(lab) as prober:
        found = step.run(Context(lab, prober)).differences
    assert found == (() if difference is None else (difference,))


def test_what_has_no_ipv6_address_or_no_name_is_refused(lab: Lab) -> None:
    with pytest.raises(UsageError, match="has no IPv6 address"):
        ask(lab, "k", "F")
    with pytest.raises(UsageError, match="no group 'DD'; did you mean"):
        ask(lab, "k", "DD")
    with pytest.raises(ValueError, match="only a parameter-problem has a pointer"):
        RoutingHeader.model_validate({"from": "k", "to": "D", "answer": "silent", "pointer": 1})


def test_the_verb_tells_of_both(lab: Lab) -> None:
    words = ["probe", lab.name, "--from", "k", "--to", "E", "--routing-header", "0", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "anycastlab", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    some, none = json.loads(done.stdout)
    assert (some["answer"], some["pointer"], some["ok"]) == ("parameter-problem", 42, True)
    assert (none["answer"], none["segments_left"]) == ("echo-reply", 0)
