"""What a fault does to the kernel, and what the control plane makes of it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from socket import AF_INET, AF_PACKET, SOCK_DGRAM, SOCK_RAW

import pytest

from anycastlab.errors import UsageError
from anycastlab.lab.handle import Lab
from tests.lab.conftest import unique


def ip(lab: Lab, node: str, *words: str) -> str:
    with lab.inside(node):
        done = subprocess.run(["ip", *words], capture_output=True, text=True, check=True)
    return done.stdout


def service(lab: Lab, family: int = 4) -> str:
    return next(str(a) for a in lab.network.groups["A"].addresses if a.version == family)


def reaches(lab: Lab, family: int = 4) -> bool:
    with lab.inside("c1"):
        done = subprocess.run(
            ["ping", "-c1", "-W1", "-q", service(lab, family)], capture_output=True, check=False
        )
    return done.returncode == 0


def test_equal_costs_make_multipath_routes_in_both_families(lab: Lab) -> None:
    assert ip(lab, "r1", "route", "show", service(lab)).count("nexthop") == 2
    assert ip(lab, "r1", "-6", "route", "show", service(lab, 6)).count("nexthop") == 2
    assert "nexthop" not in ip(lab, "r2", "route", "show", service(lab))


def test_a_dead_node_is_gone_from_its_neighbours_and_the_next_instance_takes_over(lab: Lab) -> None:
    assert "to-s1" in ip(lab, "r4", "link")
    lab.kill("s1")
    assert "to-s1" not in ip(lab, "r4", "link")
    assert lab.predict()["c1", "A"] == ("s2",)
    assert "dev to-r3" in ip(lab, "r1", "route", "show", service(lab))
    assert reaches(lab, 4)
    assert reaches(lab, 6)
    with pytest.raises(UsageError, match="'s1' is dead"):
        lab.namespace("s1")


def test_killing_the_last_instance_leaves_nothing_that_answers(lab: Lab) -> None:
    lab.kill("s1")
    lab.kill("s2")
    assert lab.predict()["c1", "A"] == ()
    assert not reaches(lab)
    assert service(lab) not in ip(lab, "r1", "route")


def test_a_killed_node_is_dead_although_others_hold_sockets_and_processes_in_it(lab: Lab) -> None:
    held = [lab.socket("s1", AF_PACKET, SOCK_RAW), lab.socket("s1", AF_INET, SOCK_DGRAM)]
    with lab.inside("s1"):
        sleeper = subprocess.Popen(["sleep", "1000"])
    lab.kill("s1")
    assert sleeper.wait(timeout=5) != 0
    assert lab.predict()["c1", "A"] == ("s2",)
    assert reaches(lab)
    for socket in held:
        socket.close()


def test_a_node_that_others_have_killed_and_revived_is_entered_in_its_new_namespace(
    lab: Lab,
) -> None:
    old, other = lab.namespace("s1"), lab.namespace("r1")
    number = os.fstat(old).st_ino
    somebody = Lab.find(lab.name)
    somebody.kill("s1")
    with pytest.raises(UsageError, match="'s1' is dead"):
        lab.namespace("s1")
    somebody.revive("s1")
    assert os.fstat(lab.namespace("s1")).st_ino in set(lab.status()["inodes"]) - {number}
    assert "to-r4" in ip(lab, "s1", "link")
    assert lab.namespace("r1") == other, "a living node's descriptor stays what it was"
    somebody.close()


def test_a_revived_node_serves_again_as_before(lab: Lab) -> None:
    before = {node: ip(lab, node, "route") + ip(lab, node, "-6", "route") for node in ("r1", "r4")}
    lab.kill("s1")
    lab.revive("s1")
    after = {node: ip(lab, node, "route") + ip(lab, node, "-6", "route") for node in ("r1", "r4")}
    assert {k: sorted(v.split()) for k, v in after.items()} == {
        k: sorted(v.split()) for k, v in before.items()
    }
    assert lab.predict()["c1", "A"] == ("s1",)
    assert reaches(lab, 4)
    assert reaches(lab, 6)


def test_a_router_dies_and_comes_back_with_its_whole_table(lab: Lab) -> None:
    before = sorted(ip(lab, "r2", "route").splitlines())
    lab.kill("r2")
    assert "via" in ip(lab, "r1", "route", "show", service(lab))
    assert "nexthop" not in ip(lab, "r1", "route", "show", service(lab))
    assert reaches(lab)
    lab.revive("r2")
    assert sorted(ip(lab, "r2", "route").splitlines()) == before
    assert ip(lab, "r1", "route", "show", service(lab)).count("nexthop") == 2


def test_a_cut_link_loses_its_carrier_and_a_mended_one_carries_both_families(lab: Lab) -> None:
    lab.cut("r1", "r2")
    assert "state DOWN" in ip(lab, "r1", "link", "show", "to-r2")
    assert "state DOWN" in ip(lab, "r2", "link", "show", "to-r1")
    lab.cut("r1", "r3")
    assert not reaches(lab)
    lab.mend("r1", "r2")
    assert reaches(lab, 4)
    assert reaches(lab, 6)
    assert lab.state().cut == {"r1--r3"}


def test_a_cost_moves_the_catchment_in_one_direction_only(lab: Lab) -> None:
    assert lab.predict()["c1", "A"] == ("s1",)
    lab.set_cost("r4", "s1", 100)
    assert lab.predict()["c1", "A"] == ("s2",)
    lab.set_cost("r4", "s1", 1, 100)
    assert lab.predict()["c1", "A"] == ("s1",)


def test_what_makes_no_sense_is_refused_and_changes_nothing(lab: Lab) -> None:
    lab.kill("s1")
    lab.cut("r1", "r2")
    refused = [
        (lambda: lab.kill("s1"), "dead already"),
        (lambda: lab.revive("s2"), "is alive"),
        (lambda: lab.kill("s9"), "did you mean"),
        (lambda: lab.cut("r1", "r2"), "cut already"),
        (lambda: lab.mend("r1", "r3"), "not cut"),
        (lambda: lab.cut("r1", "r4"), "no link between"),
        (lambda: lab.set_cost("r1", "r2", 0), "at least 1"),
    ]
    for act, message in refused:
        with pytest.raises(UsageError, match=message):
            act()
    assert lab.state().dead == {"s1"}
    assert lab.state().cut == {"r1--r2"}
    assert reaches(lab)


def test_faults_before_and_after_each_other_compose(lab: Lab) -> None:
    lab.cut("s1", "r4")
    lab.kill("s1")
    lab.revive("s1")
    assert lab.predict()["c1", "A"] == ("s2",)
    assert reaches(lab)
    lab.mend("s1", "r4")
    assert lab.predict()["c1", "A"] == ("s1",)
    assert reaches(lab)


def test_two_neighbours_die_and_return_in_either_order(lab: Lab) -> None:
    for first, second in (("r2", "r4"), ("r4", "r2")):
        lab.kill(first)
        lab.kill(second)
        assert not lab.state().dead ^ {"r2", "r4"}
        lab.revive(first)
        lab.revive(second)
        assert ip(lab, "r1", "route", "show", service(lab)).count("nexthop") == 2
        assert reaches(lab)


def test_many_kills_leak_no_descriptor_and_no_namespace(lab: Lab) -> None:
    supervisor = lab.record.supervisor
    assert supervisor is not None
    folder = f"/proc/{supervisor.pid}/fd"

    def namespaces() -> int:
        return sum(os.readlink(f"{folder}/{fd}").startswith("net:") for fd in os.listdir(folder))

    assert not lab.state().dead  # our connection is accepted by now, and counted
    before = namespaces(), len(os.listdir(folder))
    for _ in range(20):
        lab.kill("s1")
        lab.revive("s1")
    assert (namespaces(), len(os.listdir(folder))) == before


TWO_ROUTERS = """\
name: {name}
nodes: {{r0: router, r1: router, r2: router, c1: client, s1: server}}
links: [[c1, r0], [r0, r1], [r0, r2]]
lans: {{lan1: {{nodes: [r1, r2, s1]}}}}
anycast: {{A: {{members: [s1]}}}}
"""


def test_a_router_that_is_unplugged_goes_by_the_other_and_is_as_before_when_plugged_in(
    tmp_path: Path,
) -> None:
    file = tmp_path / "two.yaml"
    file.write_text(TWO_ROUTERS.format(name=unique("two")))
    with Lab.up(file) as lab:
        before = {node: ip(lab, node, "route") for node in ("r0", "r1", "r2")}
        lab.cut("lan1", "r1")
        assert "via 172.16.0.2 dev to-r0" in ip(lab, "r1", "route", "show", "10.254.1.0/24")
        assert reaches(lab)
        lab.mend("lan1", "r1")
        assert {node: ip(lab, node, "route") for node in before} == before
        assert reaches(lab)
