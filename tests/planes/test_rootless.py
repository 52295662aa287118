"""Daemons run in the labs of ordinary users as well."""

from __future__ import annotations

import json

import pytest

from tests.lab import test_rootless
from tests.lab.test_rootless import Nobody

from .conftest import needs

nobody = test_rootless.nobody

LAB = """\
name: {name}
nodes: {{r1: router, r2: router, c1: client, s1: server}}
links: [[c1, r1], [r1, r2], [s1, r2]]
anycast: {{A: {{members: [s1]}}}}
routing: {{daemon: {daemon}, protocol: bgp, bfd: true}}
"""


ATTEMPTS = 5
"""A busy machine may keep BFD's packets so long that a session ends, and begins anew."""


def all_received(nobody: Nobody, name: str) -> bool:
    """Whether every probe comes to the only member there is."""
    found = json.loads(nobody("catchment", name, "--json").stdout)
    assert len(found) == 6
    return all(one["received_by"] == ["s1"] for one in found)


@pytest.mark.parametrize("daemon", ["bird", "frr"])
def test_daemons_need_no_privileges(nobody: Nobody, daemon: str) -> None:
    needs(daemon)
    name = f"hd-nobody-{daemon}"
    file = nobody.home / f"{name}.yaml"
    file.write_text(LAB.format(name=name, daemon=daemon))
    up = nobody("up", str(file))
    assert (up.returncode, up.stderr) == (0, "")
    try:
        assert any(all_received(nobody, name) for _ in range(ATTEMPTS))
    finally:
        down = nobody("down", name, "--wait")
    assert (down.returncode, down.stderr) == (0, "")
