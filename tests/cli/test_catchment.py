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


OTHERWISE = {
    "host-routes-1000",
    *("tcp-rfc1546", "tcp-rfc1546-ipv6", "tcp-rfc1546-middlebox"),
    *("tcp-compared", "tcp-real-clients", "tcp-long-sessions"),
    *("srv6-anycast-sid", "lan-multicast"),
}
"""A thousand groups, of which its own experiment asks some; and where a client without the
mechanism cannot speak TCP with the service, or a segment answers nobody: see their experiments."""
OF_THE_LAB = [
    path
    for path in sorted(TOPOLOGIES.glob("*.yaml"))
    if load(path).network.routing.daemon == "kernel" and path.stem not in OTHERWISE
]
"""What the lab's own control plane routes; the daemons' are with the planes' tests."""


@pytest.mark.parametrize("file", OF_THE_LAB, ids=lambda path: path.stem)
def test_every_client_of_every_topology_reaches_what_was_predicted(file: Path) -> None:
    with Lab.up(file, name=unique(file.stem[:20])) as lab:
        done = catchment(lab.name, "--json")
        assert done.stdout, done.stderr
        found = json.loads(done.stdout)
        clients, groups = lab.network.role("client"), lab.network.groups
    assert [one for one in found if not one["ok"]] == []
    assert done.returncode == 0
    # the kernel's own anycast addresses refuse TCP, so it is not tried there
    probes = sum(3 - (one in group.formal) for group in groups.values() for one in group.addresses)
    assert len(found) == len(clients) * probes
    assert {one["protocol"] for one in found} >= {"icmp", "udp"}


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
