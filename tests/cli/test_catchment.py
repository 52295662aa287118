"""The verb `catchment` on real networks: it agrees with the prediction, and fails when it must."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from anycastlab import Lab
from anycastlab.topology.load import load
from tests.lab.conftest import TOPOLOGIES, unique


def catchment(lab: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "anycastlab", "catchment", lab, *words],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )


OF_THE_LAB = [
    path
    for path in sorted(TOPOLOGIES.glob("*.yaml"))
    if load(path).network.routing.daemon == "kernel" and not path.name.startswith("tcp-rfc1546")
]
"""What the lab's own control plane routes; the daemons' are with the planes' tests.

RFC 1546 has clients that cannot speak TCP with the service, and an experiment that says so.
"""


@pytest.mark.parametrize("file", OF_THE_LAB, ids=lambda path: path.stem)
def test_every_client_of_every_topology_reaches_what_was_predicted(file: Path) -> None:
    with Lab.up(file, name=unique(file.stem[:20])) as lab:
        done = catchment(lab.name, "--json")
        found = json.loads(done.stdout)
        clients, groups = lab.network.role("client"), lab.network.groups
    assert [one for one in found if not one["ok"]] == []
    assert done.returncode == 0
    addresses = sum(len(group.addresses) for group in groups.values())
    assert len(found) == len(clients) * addresses * 3
    assert {one["protocol"] for one in found} == {"icmp", "tcp", "udp"}


def test_a_route_changed_behind_the_labs_back_fails_and_says_where() -> None:
    with Lab.up(TOPOLOGIES / "figure1.yaml", name=unique("behind")) as lab:
        with lab.inside("r1"):
            shown = subprocess.run(
                ["ip", "route", "show", "10.255.0.4"], check=True, capture_output=True, text=True
            ).stdout.split()
            gateway = shown[shown.index("via") + 1]
            words = ["ip", "route", "replace", "192.0.2.1", "via", gateway]
            subprocess.run(words, check=True)
        done = catchment(lab.name)
        rows = json.loads(catchment(lab.name, "--json").stdout)
    assert done.returncode == 1
    wrong = {(row["client"], row["family"]) for row in rows if not row["ok"]}
    assert wrong == {("c1", 4)}
    assert any("c1" in line and "✗" in line for line in done.stdout.splitlines())
