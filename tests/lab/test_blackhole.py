"""Black holes: packets die, nothing else changes, and taps beyond the hole record nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from anycastlab.errors import FeatureError, UsageError
from anycastlab.kernel import qdisc
from anycastlab.lab.handle import Lab
from anycastlab.lab.ways import Way
from anycastlab.probing.prober import Prober
from tests.lab.conftest import unique
from tests.lab.impaired import eventually

SHARED = """\
name: {name}
nodes: {{r1: router, c1: client, c2: client, s1: server, s2: server}}
links:
  - [c1, r1]
  - [c2, r1]
  - {{endpoints: [s2, r1], cost: 10}}
lans:
  lan1: {{nodes: [r1, s1]}}
anycast:
  A: {{members: [s1, s2]}}
"""


@pytest.fixture
def shared(tmp_path: Path, leak_guard: None) -> Iterator[Lab]:
    """A lab whose nearest instance is on a LAN."""
    file = tmp_path / "shared.yaml"
    file.write_text(SHARED.format(name=unique("shared")))
    with Lab.up(file) as lab:
        yield lab


def seen(lab: Lab) -> dict[str, tuple[set[str], set[str | None]]]:
    """Who received and who answered the probes of each client, in short rounds."""
    with Prober(lab) as prober:
        found = prober.catchment(timeout=0.2)
    return {
        client: (
            {name for one in found if one.client == client for name in one.received_by},
            {one.answered_by for one in found if one.client == client},
        )
        for client in {one.client for one in found}
    }


def becomes(lab: Lab, wanted: dict[str, object]) -> bool:
    """Probe until it is so: on a LAN, an address nobody answered for is asked for again later."""
    return eventually(lambda: wanted.items() <= seen(lab).items(), within=10.0)


GOOD: tuple[set[str], set[str | None]] = ({"s1"}, {"s1"})
MUTE: tuple[set[str], set[str | None]] = ({"s1"}, {None})
DEAD: tuple[set[str], set[str | None]] = (set(), {None})


@pytest.mark.parametrize(
    ("link", "way", "outcome"),
    [
        (("r1", "c1"), "both", DEAD),
        (("c1", "r1"), "there", DEAD),
        (("c1", "r1"), "back", MUTE),
        (("r1", "c1"), "there", MUTE),
        (("r1", "c1"), "back", DEAD),
    ],
)
def test_packets_die_the_way_that_was_asked_for(
    shared: Lab, link: tuple[str, str], way: Way, outcome: object
) -> None:
    shared.blackhole(*link, way=way)
    assert seen(shared) == {"c1": outcome, "c2": GOOD}
    shared.clear(*reversed(link))
    assert seen(shared) == {"c1": GOOD, "c2": GOOD}


@pytest.mark.parametrize(
    ("link", "way", "outcome"),
    [
        (("s1", "lan1"), "both", DEAD),
        (("lan1", "s1"), "there", DEAD),
        (("s1", "lan1"), "there", MUTE),
    ],
)
def test_a_port_on_a_lan_is_a_link(
    shared: Lab, link: tuple[str, str], way: Way, outcome: object
) -> None:
    assert seen(shared)["c1"] == GOOD  # neighbours on the LAN are known now
    shared.blackhole(*link, way=way)
    assert seen(shared)["c1"] == outcome
    shared.clear(*link)
    assert becomes(shared, {"c1": GOOD})


@pytest.mark.parametrize(("way", "inside"), [("both", DEAD), ("in", MUTE), ("out", DEAD)])
def test_around_a_node_all_its_links_are_meant(shared: Lab, way: Way, inside: object) -> None:
    shared.blackhole("r1", way=way)
    found = seen(shared)
    assert found == {"c1": DEAD, "c2": DEAD}  # a router's packets are those of others
    shared.clear("r1")
    shared.blackhole("c2", way=way)
    assert becomes(shared, {"c1": GOOD, "c2": inside})
    shared.clear("c2")
    assert seen(shared) == {"c1": GOOD, "c2": GOOD}


def test_the_carrier_stays_and_so_does_the_prediction(shared: Lab) -> None:
    before = shared.predict()
    shared.blackhole("s1", "lan1")
    with shared.inside("s1"):
        shown = subprocess.run(["ip", "link"], capture_output=True, text=True, check=True).stdout
    assert "NO-CARRIER" not in shown
    assert shared.predict() == before
    assert shared.status()["black_holes"] == [{"place": ["s1", "lan1"], "way": "both"}]
    with Prober(shared) as prober:
        assert not any(one.ok for one in prober.catchment(timeout=0.2))


def test_holes_on_top_of_each_other_are_filled_one_by_one(shared: Lab) -> None:
    shared.blackhole("c1", "r1", way="there")
    shared.blackhole("c1")
    shared.clear("c1", "r1")
    assert seen(shared)["c1"] == DEAD
    shared.clear("c1")
    assert seen(shared)["c1"] == GOOD


def test_a_hole_outlives_the_death_of_the_nodes_beside_it(shared: Lab) -> None:
    shared.blackhole("s1", "lan1")
    shared.blackhole("c1", "r1", way="back")
    for node in ("s1", "r1", "c1"):
        shared.kill(node)
        shared.revive(node)
    assert seen(shared)["c1"] == DEAD
    shared.clear("s1", "lan1")
    assert becomes(shared, {"c1": MUTE})
    shared.kill("c1")
    shared.clear("c1", "r1")
    shared.revive("c1")
    assert seen(shared)["c1"] == GOOD


def test_what_makes_no_sense_is_refused_and_changes_nothing(shared: Lab) -> None:
    shared.blackhole("c1", "r1")
    refused = [
        (lambda: shared.blackhole("r1", "c1"), "a black hole already"),
        (lambda: shared.clear("c2", "r1"), "is no black hole"),
        (lambda: shared.clear("c1"), "is no black hole"),
        (lambda: shared.blackhole("c1", "c2"), "no link between"),
        (lambda: shared.blackhole("r9"), "no node 'r9'"),
        (lambda: shared.blackhole("c1", way="there"), "a node has no way 'there'"),
        (lambda: shared.blackhole("c2", "r1", way="out"), "a link has no way 'out'"),
    ]
    for act, message in refused:
        with pytest.raises(UsageError, match=message):
            act()
    assert [one["place"] for one in shared.status()["black_holes"]] == [["c1", "r1"]]
    assert seen(shared) == {"c1": DEAD, "c2": GOOD}


def test_a_kernel_that_cannot_do_it_is_said_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leak_guard: None
) -> None:
    real = qdisc.swallow
    monkeypatch.setattr(
        qdisc, "swallow", lambda index: [m.replace(b"bpf\0", b"bfp\0") for m in real(index)]
    )
    file = tmp_path / "shared.yaml"
    file.write_text(SHARED.format(name=unique("no-bpf")))
    with Lab.up(file) as lab:
        with pytest.raises(FeatureError, match="no BPF classifier; sudo modprobe"):
            lab.blackhole("c1", "r1")
        assert lab.status()["black_holes"] == []
        assert seen(lab)["c1"] == GOOD
