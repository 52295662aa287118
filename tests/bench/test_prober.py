"""The C prober sees what the product's prober sees, with one thread and with two."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks import probing
from benchmarks.harness import Bench, floor

from anycastlab.lab.handle import Lab

pytestmark = pytest.mark.lab("topologies/figure1.yaml")


def by_c(lab: Lab, directory: Path, threads: int) -> dict[str, int]:
    plan = directory / "plan"
    probing.write_plan(lab.name, str(plan))
    found = floor(Bench(directory, 1).compile("prober"), plan, str(threads))
    assert found.pop("total") > 0
    return found


@pytest.mark.parametrize("threads", [1, 2])
def test_every_probe_is_found_and_answered_until_a_router_forwards_no_more(
    lab: Lab, tmp_path: Path, threads: int
) -> None:
    probes = len(lab.network.role("client")) * 2
    assert by_c(lab, tmp_path, threads) == dict.fromkeys(("probes", "received", "answered"), probes)
    with lab.inside("r1"):
        Path("/proc/sys/net/ipv4/ip_forward").write_text("0")
    fewer = by_c(lab, tmp_path, threads)
    assert fewer["received"] == fewer["answered"] < probes
