"""How routers choose among equal paths: the settings of each option, and resilient groups."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from anycastlab.errors import TopologyError
from anycastlab.lab.handle import Lab
from anycastlab.lab.sysctls import SEED, sysctls
from anycastlab.topology.load import load_text
from anycastlab.topology.network import Multipath, Network
from tests.lab.conftest import unique

STAR = """\
nodes: {r1: router, c1: client, s1: server, s2: server, s3: server}
links: [[c1, r1], [s1, r1], [s2, r1], [s3, r1]]
anycast: {A: {members: [s1, s2, s3]}}
"""


def network(routing: str) -> Network:
    return load_text(f"name: star\n{STAR}routing: {routing}\n", "lab.yaml").network


@pytest.fixture
def star(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """Return a lab of three equal next hops, up; the parameter is its `multipath:`."""
    file = tmp_path / "star.yaml"
    file.write_text(f"name: {unique('star')}\n{STAR}routing: {{multipath: {request.param}}}\n")
    with Lab.up(file) as running:
        yield running


def nexthops(lab: Lab) -> list[dict[str, Any]]:
    with lab.inside("r1"):
        words = ["ip", "-json", "nexthop", "show"]
        found: list[dict[str, Any]] = json.loads(subprocess.check_output(words) or "[]")
    return found


def groups(lab: Lab) -> dict[int, int]:
    """Map each group to how many hops it has."""
    return {one["id"]: len(one["group"]) for one in nexthops(lab) if "group" in one}


def routes(lab: Lab, family: int) -> str:
    service = next(str(a) for a in lab.network.groups["A"].addresses if a.version == family)
    with lab.inside("r1"):
        words = ["ip", f"-{family}", "route", "show", service]
        return subprocess.check_output(words, text=True)


@pytest.mark.parametrize("star", ["{resilient: true}"], indirect=True)
def test_a_group_lives_on_while_its_hops_go_and_return(star: Lab) -> None:
    before = groups(star)
    assert list(before.values()) == [3, 3]
    assert {one.get("type") for one in nexthops(star) if "group" in one} == {"resilient"}
    star.kill("s1")
    assert groups(star) == dict.fromkeys(before, 2)
    star.cut("s2", "r1")
    assert groups(star) == dict.fromkeys(before, 1)
    star.mend("s2", "r1")
    star.revive("s1")
    assert groups(star) == before
    for family in (4, 6):
        assert "nhid" in routes(star, family)


@pytest.mark.parametrize("star", ["{resilient: true}"], indirect=True)
def test_no_group_is_left_of_an_address_nobody_has_and_it_comes_back_whole(star: Lab) -> None:
    for server in ("s1", "s2", "s3"):
        star.kill(server)
    assert nexthops(star) == []
    assert routes(star, 4) == routes(star, 6) == ""
    for server in ("s1", "s2", "s3"):
        star.revive(server)
    assert list(groups(star).values()) == [3, 3]


@pytest.mark.parametrize("star", ["{resilient: true}"], indirect=True)
def test_a_router_that_died_has_its_groups_again(star: Lab) -> None:
    before = groups(star)
    star.kill("r1")
    star.revive("r1")
    assert groups(star) == before


@pytest.mark.parametrize("star", ["{resilient: false, hash: l4, seeds: false}"], indirect=True)
def test_without_the_option_there_are_multipath_routes_and_no_groups(star: Lab) -> None:
    assert nexthops(star) == []
    assert routes(star, 4).count("nexthop") == 3
    with star.inside("r1"):
        words = ["sysctl", "-n", "net.ipv4.fib_multipath_hash_policy"]
        assert subprocess.check_output(words, text=True).strip() == "1"


@pytest.mark.parametrize(("hashing", "policy"), [("header", "3"), ("l3", "0"), ("l4", "1")])
def test_each_hash_is_a_policy_of_the_kernel_in_both_families(hashing: str, policy: str) -> None:
    found = network(f"{{multipath: {{hash: {hashing}}}}}")
    wanted = sysctls(found.nodes["r1"], 4, found.routing.multipath)
    for family in ("ipv4", "ipv6"):
        assert wanted[f"{family}/fib_multipath_hash_policy"] == policy
    assert wanted[SEED] == "5"


def test_seeds_differ_from_router_to_router_unless_they_are_not_wanted() -> None:
    router = network("kernel").nodes["r1"]
    assert sysctls(router, 1, Multipath())[SEED] != sysctls(router, 2, Multipath())[SEED]
    assert SEED not in sysctls(router, 1, Multipath(seeds=False))


def test_sound_settings_are_the_default() -> None:
    assert network("kernel").routing.multipath == Multipath("header", resilient=False, seeds=True)


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("{multipath: {hash: l5}}", "5:29: expected header, l3 or l4, not 'l5'; did you mean 'l4'"),
        ("{multipath: {resilient: 1}}", "5:34: expected true or false"),
        ("{multipath: {seed: true}}", "5:23: unknown key 'seed'; did you mean 'seeds'?"),
        ("{multipath: resilient}", "5:22: expected a mapping"),
        ("{daemon: bird, multipath: {resilient: true}}", "5:36: bird writes no resilient groups"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_place(written: str, problem: str) -> None:
    with pytest.raises(TopologyError) as caught:
        network(written)
    assert problem in str(caught.value)
