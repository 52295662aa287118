"""Every file of ``topologies/`` is run for real; and with its mechanism taken out it must fail.

That is the control: what a file teaches is not true of a network without it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from anycastlab.experiments.load import load_checked
from anycastlab.experiments.runner import Runner
from anycastlab.experiments.verdict import Verdict
from anycastlab.lab.handle import Lab
from anycastlab.probing.prober import Prober
from anycastlab.topology.load import Document

BY_SEGMENTS = "{role: client, run: [{srv6-via: {to: D, through: X}}]}"
RUN_PLAIN_QUIC = "run: [{quic: {preferred-address: false}}]"
WAITING_HOST = "{role: server, run: [{membership-host: {join: false}}]}"
SHORT_TIMERS = (
    "neighbour: {reachable: 1s, delay: 300ms, probes: 1, retrans: 200ms, locktime: 200ms}\n"
)
TOPOLOGIES = Path(__file__).parents[2] / "topologies"
BROWSER = pytest.mark.skipif(
    shutil.which("chromium-headless-shell") is None,
    reason="chromium-headless-shell is not installed: scripts/setup browser",
)


def judged(file: Path) -> Verdict:
    """Run a topology file up to its first failure, under a name of its own."""

    @contextmanager
    def own(loaded: Document) -> Iterator[Lab]:
        name = f"{loaded.network.name[:20]}-{os.getpid()}"
        with Lab.launch(replace(loaded.network, name=name), file) as lab:
            yield lab

    runner = Runner(own, Prober, lambda _event: None, fail_fast=True)  # type: ignore[arg-type]
    return runner.run(load_checked(file))


def failures(verdict: Verdict) -> list[str]:
    """What was not as expected, and in which step."""
    assert verdict.error is None, str(verdict.error)
    return [f"{step.text}: {d}" for step in verdict.steps for d in step.outcome.differences]


def files() -> list[object]:
    """Each file; one that measures times runs beside no other that does."""
    return [
        pytest.param(file, id=file.stem, marks=marks(file))
        for file in sorted([*TOPOLOGIES.glob("*.yaml"), *TOPOLOGIES.glob("browser/*.yaml")])
    ]


def marks(file: Path) -> list[pytest.MarkDecorator]:
    text = file.read_text()
    timed = [pytest.mark.realtime] if "stream:" in text else []
    return timed + [BROWSER] * (file.parent.name == "browser")


@pytest.mark.parametrize("file", files())
def test_what_a_topology_teaches_is_so(file: Path, leak_guard: None) -> None:
    assert failures(judged(file)) == []


@pytest.mark.parametrize(
    ("name", "mechanism", "without", "fails"),
    [
        ("tcp-rfc1546", "run: [rfc1546-client]", "run: []", "curl"),
        ("tcp-rfc1546-ipv6", "[http, rfc1546-server]", "[http]", "survived: 100%"),
        ("tcp-rfc1546-middlebox", "run: [{stateful-firewall: {inside: [c1]}}]", "run: []", "0%"),
        ("tcp-pinning-option", "run: [pinning-router]", "run: []", "survived: 100%"),
        ("tcp-lsrr", "accept_source_route: 1", "accept_source_route: 0", "survived: 100%"),
        ("tcp-hang", "run: [{stateful-firewall: {inside: [r1]}}]", "run: []", "hung: 100%"),
        ("tcp-compared", "server, run: [rfc1546-server]", "server", "survived: 100%"),
        ("tcp-real-clients", "[rfc1546-server, http,", "[http,", "sha256sum"),
        ("tcp-real-clients-pinned", "[pinning-endpoint, http,", "[http,", "sha256sum"),
        ("tcp-real-clients-resolved", "{allow: all}", "{allow: local}", "sha256sum"),
        ("tcp-long-sessions", "[rfc1546-server, program", "[program", "line 12"),
        ("http-redirect", "redirect: 307", "redirect: null", "after 1"),
        ("icmpv6-node-information", "{allow: all}", "{allow: local}", "instance: s1"),
        ("quic-preferred-address", "run: [quic]", RUN_PLAIN_QUIC, "survived: 100%"),
        ("pmtud-blackhole", "mtu: 1300}\n", "mtu: 1500}\n", "bytes/1000000"),
        ("membership-bgp", "timers: fast", "timers: default", "one that has no end"),
        ("membership-mld", "s1: server", f"s1: {WAITING_HOST}", '["s1", "s2"]'),
        ("membership-igmp", "s1: server", f"s1: {WAITING_HOST}", '["s1", "s2"]'),
        ("membership-nd", "s1: server", f"s1: {WAITING_HOST}", '["s1", "s2"]'),
        ("membership-forged", "[{source: s1, group: A}]", "members", "ended at mallory"),
        ("ecmp-fragments", "hash_policy: 1", "hash_policy: 0", "few"),
        ("address-clash", "Y: {addresses: [192.0.2.1,", "Y: {addresses: [192.0.2.9,", "c3 → X"),
        ("ipv6-rfc2373", ", mode: rfc2373", "", "anycast6"),
        ("ipv6-rfc2373", "run: [anycast-source-filter]", "run: []", "status 1, it ended with 0"),
        (
            "lan-multicast",
            "{role: client, run: [link-multicast: {group: A}]}",
            "client",
            "protocol: tcp",
        ),
        ("lan-arp-tuned", SHORT_TIMERS, "", "one that has no end"),
        ("lan-nd", ", mode: rfc2373", "", "expected the entry to be stale"),
        ("subnet-router", "subnet-router(lan1)", '"2001:db8:a::7"', "64 bytes from"),
        ("reserved-2526", "run: [{home-agent: {group: H}}]", "run: []", "to answer"),
        ("host-routes-1000", "[198.18.0.0/22,", "[203.0.113.0/24,", "o1, IPv4: expected service"),
        ("aggregate-and-leak", "{ipv4: 24, ipv6: 48}", "{ipv4: 32}", "f, IPv4: expected service"),
        ("srv6-anycast-sid", BY_SEGMENTS, "client", "packets: 20"),
    ],
)
def test_without_its_mechanism_it_fails(
    tmp_path: Path, leak_guard: None, name: str, mechanism: str, without: str, fails: str
) -> None:
    text = (TOPOLOGIES / f"{name}.yaml").read_text()
    assert mechanism in text
    file = tmp_path / f"{name}.yaml"
    file.write_text(text.replace(mechanism, without))
    (first, *_) = failures(judged(file))
    assert fails in first
