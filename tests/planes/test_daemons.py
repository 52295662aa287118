"""Real daemons converge to the prediction of their protocol, whatever happens to the network."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from anycastlab.kernel import routes
from anycastlab.kernel.netlink import Netlink
from anycastlab.lab.faults import Faults
from anycastlab.lab.planes.inside import exec_mounts
from anycastlab.routing.forwarder import Forwarder
from anycastlab.routing.metrics import as_seen
from anycastlab.routing.state import NetworkState
from anycastlab.routing.table import Prefix
from anycastlab.topology.network import Address, Network

from .conftest import needs
from .harness import DIAMOND, TWO_SITES, Running, network_of, running

SPOKEN = [
    ("bird", "bgp"),
    ("bird", "ospf"),
    ("bird", "rip"),
    ("bird", "babel"),
    ("frr", "bgp"),
    ("frr", "ospf"),
    ("frr", "rip"),
]
every_protocol = pytest.mark.parametrize(("daemon", "protocol"), SPOKEN)


def complaints(rundir: Path) -> list[str]:
    """What FRR's daemons did not understand: they only log it and go on."""
    return [
        line
        for log in rundir.glob("nodes/*/*.log")
        for line in log.read_text().splitlines()
        if "on config line" in line
    ]


FAULTS: dict[str, Callable[[Faults], object]] = {
    "kill": lambda faults: faults.kill("s1"),
    "revive": lambda faults: faults.revive("s1"),
    "cut": lambda faults: faults.cut("r1", "r-3"),
    "mend": lambda faults: faults.mend("r1", "r-3"),
    "set-cost": lambda faults: faults.set_cost("r1", "r2", 50, 1),
    "withdraw": lambda faults: faults.withdraw("s1", None),
    "announce": lambda faults: faults.announce("s1", None),
}


@pytest.mark.parametrize(
    ("daemon", "protocol", "faults"),
    [
        ("bird", "bgp", "kill revive cut mend set-cost withdraw announce"),
        ("bird", "ospf", "kill"),
        ("bird", "rip", "kill revive cut mend withdraw"),
        ("bird", "babel", "kill revive cut mend set-cost"),
        ("frr", "bgp", "kill revive cut mend withdraw announce"),
        ("frr", "ospf", "cut set-cost"),
    ],
)
def test_each_fault_leads_where_the_prediction_says(
    daemon: str, protocol: str, faults: str, rundir: Path
) -> None:
    needs(daemon)
    with running(network_of(DIAMOND, daemon=daemon, protocol=protocol), rundir) as lab:
        assert lab.settle() == ""
        for fault in faults.split():
            FAULTS[fault](lab.faults)
            assert (fault, lab.settle()) == (fault, "")
    assert complaints(rundir) == []


@every_protocol
def test_the_kernels_have_exactly_the_predicted_next_hops(
    daemon: str, protocol: str, rundir: Path
) -> None:
    """Compared here once more, without what the plane itself compares with."""
    needs(daemon)
    network = network_of(TWO_SITES, daemon=daemon, protocol=protocol)
    with running(network, rundir) as lab:
        assert lab.settle() == ""
        tables = Forwarder(*as_seen(network)).tables
        for name, address in elsewhere(network):
            prefix = Prefix(address.packed, address.max_prefixlen)
            near = {interface for interface, _ in lab.table(name)[prefix]}
            predicted = {interface for interface, _ in tables[name][prefix]}
            assert near == predicted or (protocol == "babel" and near < predicted)


def elsewhere(network: Network) -> Iterator[tuple[str, Address]]:
    """Yield every router with each service address that it does not hold itself."""
    for name in network.role("router"):
        for group in network.groups.values():
            if name not in group.instances:
                yield from ((name, address) for address in group.addresses)


@pytest.mark.parametrize("protocol", ["bgp", "babel"])
def test_a_state_that_does_not_hold_is_not_taken_for_converged(protocol: str, rundir: Path) -> None:
    needs("bird")
    with running(network_of(DIAMOND, daemon="bird", protocol=protocol), rundir) as lab:
        assert lab.settle() == ""
        without_any = NetworkState(dead=frozenset({"s1", "s2"}))
        said = lab.plane.wait(without_any, time.monotonic())
        assert said.startswith("r1 still has a route to 198.18.0.1")
        cut = NetworkState(cut=frozenset({"r1--r-3", "r1--r2"}))
        assert lab.plane.wait(cut, time.monotonic()).startswith("r1 still has")


IN_TIME = 1.5
"""Seconds: BGP without BFD misses a neighbour after two to three."""


def loses_way(lab: Running, within: float) -> bool:
    """Stop the daemon of s2, whose carrier stays; whether r-3 then takes back the way to it."""
    network = lab.world.network
    server = Prefix(network.nodes["s2"].ipv4.packed, 32)
    (end,) = [one for one in network.nodes["r-3"].interfaces if one.name == "to-s2"]

    def gone(*_: object) -> bool:
        return end.index not in {hop.interface for hop in lab.table("r-3").get(server, ())}

    assert not gone()
    with Netlink(lab.world.namespaces["r-3"], routes.GROUPS) as events:
        for one in lab.plane.processes.running("s2"):
            os.kill(one.pid, signal.SIGSTOP)
        return events.wait(gone, within)


@pytest.mark.parametrize("daemon", ["bird", "frr"])
def test_bfd_misses_a_neighbour_that_is_silent(daemon: str, rundir: Path) -> None:
    needs(daemon)
    with running(network_of(DIAMOND, daemon=daemon, bfd=True), rundir) as lab:
        assert lab.settle() == ""
        assert loses_way(lab, IN_TIME)


def test_without_bfd_it_takes_the_protocols_own_time(rundir: Path) -> None:
    needs("bird")
    with running(network_of(DIAMOND, daemon="bird", protocol="bgp"), rundir) as lab:
        assert lab.settle() == ""
        assert not loses_way(lab, IN_TIME)


@pytest.mark.parametrize("how", ["TERM", "KILL"])
@pytest.mark.parametrize("daemon", ["bird", "frr"])
def test_a_stopped_daemon_takes_its_routes_along_and_a_killed_one_leaves_them(
    daemon: str, how: str, rundir: Path
) -> None:
    needs(daemon)
    network = network_of(DIAMOND, daemon=daemon)
    service = Prefix(network.groups["A"].addresses[0].packed, 32)
    with running(network, rundir) as lab:
        assert lab.settle() == ""
        lab.faults.stop_daemon("r2", how)
        assert lab.plane.daemons("r2") == {}
        assert (service in lab.table("r2")) == (how == "KILL")
        assert lab.settle() == ""  # the others have found their ways without it
        # while it is stopped, changes are kept for its next start
        lab.faults.withdraw("s1", None)
        assert lab.settle() == ""
        lab.faults.start_daemon("r2")
        assert lab.settle() == ""
    assert complaints(rundir) == []


def test_faults_that_do_not_wait_for_each_other_end_where_the_prediction_says(
    rundir: Path,
) -> None:
    needs("bird")
    with running(network_of(DIAMOND, daemon="bird"), rundir) as lab:
        assert lab.settle() == ""
        lab.faults.kill("s1")
        lab.faults.cut("r1", "r-3")
        lab.faults.stop_daemon("r2", "KILL")
        lab.faults.revive("s1")
        lab.faults.mend("r1", "r-3")
        lab.faults.withdraw("s1", None)
        assert lab.settle() == ""
        lab.faults.kill("r2")
        lab.faults.announce("s1", None)
        lab.faults.revive("r2")  # with its daemon
        assert lab.faults.state == NetworkState()
        assert lab.settle() == ""


def test_birdc_finds_its_socket(rundir: Path) -> None:
    needs("bird")
    with running(network_of(DIAMOND, daemon="bird"), rundir) as lab:
        assert lab.settle() == ""
        ((source, target),) = exec_mounts(rundir, "r1")
        assert (source / "bird.ctl").is_socket()
        assert target == Path("/run/bird")
        assert exec_mounts(rundir, "c1") == []


def test_vtysh_finds_its_sockets(rundir: Path) -> None:
    needs("frr")
    with running(network_of(DIAMOND, daemon="frr"), rundir) as lab:
        assert lab.settle() == ""
        ((source, target),) = exec_mounts(rundir, "r1")
        assert (source / "bgpd.vty").is_socket()
        assert target == Path("/run/frr")
