"""What kernels hold, counted by kind, where a border aggregates; and the verb and the step."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from anycastlab.errors import UsageError
from anycastlab.experiments.routes import Routes
from anycastlab.experiments.step import Context
from anycastlab.lab.handle import Lab
from anycastlab.lab.route_counts import RouteCount, RouteCounter
from anycastlab.probing.prober import Prober
from anycastlab.report.routes import text
from tests.lab.conftest import Cli, unique

TOPOLOGY = """\
nodes: {a: router, b: router, o: router, s: server, c: client}
links: [[s, a], [a, b], [b, o], [c, o]]
anycast: {A: {count: 5, addresses: [192.0.2.1, "2001:db8:a::1"], members: [s]}}
routing: {aggregate: [{at: b, prefix: [192.0.2.0/24, "2001:db8:a::/48"], towards: o}]}
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    file: Path = tmp_path_factory.mktemp("routes") / "routes.yaml"
    file.write_text(f"name: {unique('routes')}\n{TOPOLOGY}")
    with Lab.up(file) as running:
        yield running


def ip_route(lab: Lab, node: str, family: int) -> list[str]:
    """The routes that iproute2 shows, without those to a node's own addresses and link-local."""
    with lab.inside(node):
        done = subprocess.run(
            ["ip", f"-{family}", "route"], capture_output=True, text=True, check=True
        )
    lines = done.stdout.splitlines()
    return [line for line in lines if "dev lo proto kernel" not in line and "fe80" not in line]


@pytest.mark.parametrize(
    ("node", "kinds"),
    [
        ("a", {"service": 5, "loopback": 4, "link": 4}),
        ("b", {"service": 5, "discard": 1, "loopback": 4, "link": 4}),
        ("o", {"aggregate": 1, "loopback": 4, "link": 4}),
        ("c", {"default": 1, "link": 1}),
    ],
)
def test_every_kind_is_counted_and_iproute2_shows_as_many(
    lab: Lab, node: str, kinds: dict[str, int]
) -> None:
    for count in RouteCounter(lab).count(node):
        assert count.kinds == kinds
        assert count.total == len(ip_route(lab, node, count.family))


def test_a_route_that_is_none_of_the_labs_is_another(lab: Lab) -> None:
    with lab.inside("a"):
        subprocess.run(["ip", "route", "add", "203.0.113.0/24", "dev", "to-b"], check=True)
    (count,) = RouteCounter(lab).count("a", [4])
    with lab.inside("a"):
        subprocess.run(["ip", "route", "del", "203.0.113.0/24"], check=True)
    assert count.of("other") == 1
    assert count.of("total") == 14


def test_the_step_compares_and_says_what_differs(lab: Lab) -> None:
    with Prober(lab) as prober:
        context = Context(lab, prober)
        good = Routes.model_validate(
            {"at": ["a", "b"], "is": {"service": 5, "total": "at most 14"}}
        )
        bad = Routes.model_validate({"at": "o", "is": {"service": 5}, "family": 4})
        assert good.run(context).ok
        assert bad.run(context).differences == ("o, IPv4: expected service: 5, found 0",)


@pytest.mark.parametrize("wanted", [{}, {"servce": 1}, {"service": "50%"}])
def test_a_step_that_makes_no_sense_is_refused(wanted: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"expects nothing|did you mean 'service'|not 50%"):
        Routes.model_validate({"at": "o", "is": wanted})


def test_the_verb_prints_a_table_or_json(lab: Lab, cli: Cli) -> None:
    shown = cli("routes", lab.name, "--node", "o").stdout.splitlines()
    assert shown[0].split()[:4] == ["node", "family", "total", "aggregate"]
    assert shown[1].split()[:4] == ["o", "IPv4", "9", "1"]
    found = json.loads(cli("routes", lab.name, "--json").stdout)
    assert len(found) == 2 * len(lab.network.nodes)
    assert next(one for one in found if one["node"] == "b")["discard"] == 1
    assert cli("routes", lab.name, "--node", "oo").returncode == 2


def test_the_size_of_the_trie_is_shown_or_a_dash() -> None:
    known, unknown = (RouteCount("r", 4, {"link": 1}, size) for size in (4096, None))
    assert [line.split()[-1] for line in text([known, unknown]).splitlines()] == [
        "bytes",
        "4096",
        "-",
    ]


def test_borders_keep_up_with_faults(lab: Lab) -> None:
    lab.kill("s")
    (dead,) = RouteCounter(lab).count("b", [4])
    with pytest.raises(UsageError):
        RouteCounter(lab).count("s")
    lab.revive("s")
    (back,) = RouteCounter(lab).count("b", [4])
    assert (dead.of("service"), dead.of("discard")) == (0, 1)
    assert (back.of("service"), back.of("discard")) == (5, 1)
