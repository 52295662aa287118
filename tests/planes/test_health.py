"""A member's health check tells real daemons, as it tells the lab's own control plane."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from anycastlab.components.health_checks import Exec
from anycastlab.kernel import routes
from anycastlab.kernel.netlink import Netlink
from anycastlab.lab.handle import Lab
from anycastlab.lab.planes.convergence import kernel_table
from anycastlab.routing.table import Prefix
from tests.lab.conftest import unique

from .conftest import needs

TOPOLOGY = """\
nodes: {r1: router, s1: server, s2: server}
links: [[s1, r1], {endpoints: [s2, r1], cost: 5}]
anycast:
  A: {members: {s1: {check: {service: tcp, interval: 100ms, fall: 2, hold-down: 0s}}, s2: }}
  B: {members: [s1, s2]}
"""


@pytest.fixture(params=["bird", "frr"])
def lab(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lab]:
    daemon = request.param
    needs(daemon)
    file = tmp_path / "health.yaml"
    routing = f"routing: {{daemon: {daemon}, protocol: bgp}}"
    file.write_text(f"name: {unique(f'health-{daemon}')}\n{TOPOLOGY}{routing}\n")
    with Lab.up(file) as running:
        yield running


def leads(lab: Lab, group: str, count: int, within: float) -> bool:
    """Whether r1 comes to have so many next hops to a group."""
    address = lab.network.groups[group].addresses[0]

    def so(*_: object) -> bool:
        with Netlink(lab.namespace("r1")) as socket:
            table = kernel_table(socket)
        return len(table.get(Prefix(address.packed, address.max_prefixlen), ())) == count

    with Netlink(lab.namespace("r1"), routes.GROUPS) as events:
        return so() or events.wait(so, within)


def test_the_route_goes_with_the_service_and_comes_back(lab: Lab) -> None:
    assert leads(lab, "A", 2, within=10)
    lab.stop_service("s1")
    assert leads(lab, "A", 1, within=0.1 * 2 + 1)
    assert leads(lab, "B", 2, within=1)
    lab.start_service("s1")
    assert leads(lab, "A", 2, within=5)


def test_a_mistake_in_what_a_programs_end_sets_off_ends_no_lab(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_check: Exec, _status: int) -> None:
        raise AssertionError("a mistake of ours")

    monkeypatch.setattr(Exec, "_ended", broken)
    file = tmp_path / "lab.yaml"
    check = "{service: exec, command: 'true', interval: 50ms}"
    file.write_text(
        f"name: mistake-{os.getpid()}\nnodes: {{r: router, c: client, s: server}}\n"
        f"links: [[c, r], [s, r]]\nanycast: {{A: {{members: {{s: {{check: {check}}}}}}}}}\n"
    )
    with Lab.up(file) as lab:
        log, deadline = lab.directory / "supervisor.log", time.monotonic() + 10
        while "a mistake of ours" not in log.read_text():
            assert time.monotonic() < deadline
            lab.state()
        assert lab.state().dead == frozenset()
