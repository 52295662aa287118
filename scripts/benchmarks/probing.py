"""A verified catchment of 1,000 clients: the prober, C, fping and Scapy over the same lab."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from shutil import which

from anycastlab.kernel.syscalls import CLONE_NEWNET, setns
from anycastlab.lab.handle import Lab
from anycastlab.lab.names import DIRECTORY, netns_name
from anycastlab.probing import craft
from anycastlab.probing.prober import Prober
from anycastlab.topology.network import Network
from benchmarks.commands import running
from benchmarks.harness import Bench, floor, worker
from benchmarks.plan import counted, number, text
from benchmarks.results import Row

ROUTERS, MEMBERS, CLIENTS, GROUPS = 50, 20, 1000, 20
PROBES = CLIENTS * GROUPS * 2
LIMIT, LEAST_FPING, LEAST_SCAPY = 1.5, 200, 1000
_BY_C = {"C": 1, "C, 2 threads": 2}
_BY_FPING = {"fping": "1", "fping -i0": "0"}
_SAMPLED_CLIENTS = 50  # of fping's: a twentieth of its half minute


def measure(bench: Bench) -> Iterator[Row]:
    """Map all clients by ICMP and by TCP SYN; fping and Scapy do a few clients, extrapolated.

    The targets are for a C program of one thread and for fping at its documented pace. Beside them,
    without a target: that program with two threads, as the prober has, and fping unpaced.
    """
    nodes = ROUTERS + MEMBERS + CLIENTS
    file = bench.topology("random", nodes, members=MEMBERS, clients=CLIENTS, groups=GROUPS)
    lab, plan, program = file.stem, bench.directory / "prober.plan", bench.compile("prober")
    with running(file):
        worker(write_plan, lab, plan)
        runs = {"ours": lambda: worker(catchment, lab)}
        for against, threads in _BY_C.items():
            runs[against] = partial(_by_c, program, plan, threads)
        runs["scapy"] = lambda: worker(by_scapy, lab)
        for against, interval in _BY_FPING.items() if which("fping") else ():
            runs[against] = partial(worker, by_fping, lab, interval)
        found = bench.alternate(runs)
    ours, size = found["ours"], PROBES
    yield Row.at_most("verified catchment", size, ours, found["C"], LIMIT)
    yield Row.at_most("verified catchment", size, ours, found["C, 2 threads"], None, "C, 2 threads")
    if "fping" in found:
        yield Row.faster("catchment", size, ours, found["fping"], LEAST_FPING, "fping")
        yield Row.faster("catchment", size, ours, found["fping -i0"], None, "fping -i0")
    yield Row.faster("catchment", size, ours, found["scapy"], LEAST_SCAPY, "sr1")


def catchment(name: str) -> float:
    """Map the whole lab with the product's prober; return the milliseconds.

    Taps are open and Scapy has made its packets before the clock starts, as it is for the C
    program. Entering the clients' namespaces counts, and so do prediction and comparison.
    """
    lab = Lab.find(name)
    for shape in (craft.echo, craft.syn):
        shape(4)
    with Prober(lab) as prober:
        began = time.perf_counter()
        found = prober.catchment(families=(4,), protocols=("icmp", "syn"))
        wrong = sum(not observation.ok for observation in found)
        taken = time.perf_counter() - began
    if len(found) != PROBES or wrong:
        sys.exit(f"of {len(found)} probes {wrong} were not as predicted")
    return taken * 1e3


def _by_c(program: Path, plan: Path, threads: int) -> float:
    found = floor(program, plan, str(threads))
    if not found["received"] == found["answered"] == found["probes"] == PROBES:
        sys.exit(f"the C prober missed some: {found}")
    return float(found["total"])


def by_fping(name: str, interval: str) -> float:
    """Run one fping a client for some clients; return the milliseconds all probes would take.

    Starting it inside the client's namespace counts. *interval* is the pause between two probes: a
    millisecond, the least it documents, is most of its time; root may have it pause not at all.
    """
    network = _network(name)
    targets = _addresses(network)
    command = ["fping", "-q", "-c1", f"-i{interval}", "-t500", "-r0", *targets]
    began = time.perf_counter()
    for client in network.role("client")[:_SAMPLED_CLIENTS]:
        setns(_open(network, client), CLONE_NEWNET)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return _extrapolated(began, len(targets) * _SAMPLED_CLIENTS)


def by_scapy(name: str) -> float:
    """Call sr1 for the probes of one client; return the milliseconds all would take."""
    network = _network(name)
    targets = _addresses(network)
    client = network.role("client")[0]
    setns(_open(network, client), CLONE_NEWNET)
    from scapy.layers.inet import ICMP, IP  # not before: it looks for interfaces just once
    from scapy.sendrecv import sr1

    source = str(network.nodes[client].ipv4)
    began = time.perf_counter()
    for target in targets:
        assert sr1(IP(src=source, dst=target) / ICMP(), timeout=2, verbose=0) is not None
    return _extrapolated(began, len(targets))


def _extrapolated(began: float, probes: int) -> float:
    return (time.perf_counter() - began) * 1e3 / probes * PROBES


def write_plan(name: str, plan: str) -> None:
    """Write down for the C program whom to probe, and from where."""
    network = _network(name)
    members = {member for group in network.groups.values() for member in group.instances}
    parts = [counted(shape(4).fill(0, 0)) for shape in (craft.echo, craft.syn)]
    addresses = _addresses(network)
    parts.append(number(len(addresses)))
    parts += [bytes(map(int, address.split("."))) for address in addresses]
    parts.append(number(len(members)))
    parts += [text(_path(network, member)) for member in members]
    clients = network.role("client")
    parts.append(number(len(clients)))
    for client in clients:
        parts += [text(_path(network, client)), network.nodes[client].ipv4.packed]
    Path(plan).write_bytes(b"".join(parts))


def _network(name: str) -> Network:
    with closing(Lab.find(name)) as lab:
        return lab.network


def _addresses(network: Network) -> list[str]:
    groups = network.groups.values()
    return [str(one) for group in groups for one in group.addresses if one.version == 4]


def _path(network: Network, node: str) -> str:
    return str(DIRECTORY / netns_name(network.name, node))


def _open(network: Network, node: str) -> int:
    return os.open(_path(network, node), os.O_RDONLY | os.O_CLOEXEC)
