"""A lab does not touch the host's own network."""

from __future__ import annotations

import subprocess
from pathlib import Path

from anycastlab.lab.handle import Lab
from tests.host import difference, snapshot


def test_the_host_is_the_same_before_during_and_after(diamond: Path) -> None:
    before = snapshot()
    with Lab.up(diamond) as lab:
        lab.kill("s1")
        lab.cut("r1", "r2")
        assert difference(before, snapshot()) == []
        lab.mend("r1", "r2")
        lab.revive("s1")
    assert difference(before, snapshot()) == []


def test_the_comparison_sees_a_change(lab: Lab) -> None:
    with lab.inside("r1"):
        before = snapshot()
        subprocess.run(["ip", "route", "add", "203.0.113.0/24", "dev", "to-r2"], check=True)
        Path("/proc/sys/net/ipv4/ip_forward").write_text("0")
        changed = "\n".join(difference(before, snapshot()))
    assert "203.0.113.0/24" in changed
    assert "/proc/sys/net/ipv4/ip_forward" in changed
