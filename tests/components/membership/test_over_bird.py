"""The hand-over to BIRD: the agent writes a route, which is learned and spoken of further on."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.rip import RIP, RIPEntry

from anycastlab.lab.handle import Lab
from anycastlab.probing.captures import Captures
from tests.components.tshark import found_by_tshark
from tests.lab.conftest import unique
from tests.planes.conftest import needs

from .test_in_a_lab import eventually, told

A6 = "2001:db8:a::1"
TOPOLOGY = f"""\
nodes: {{r0: router, r1: router, r2: router, c1: client, s1: server, s2: server, s3: server}}
links:
  - [c1, r0]
  - [r0, r1]
  - [r0, r2]
  - [s3, r2]
lans: {{lan1: {{nodes: [r1, s1, s2]}}}}
anycast:
  A:
    addresses: "{A6}"
    members: {{s1: {{announce: mld}}, s2: {{announce: mld}}, s3: {{announce: PROTOCOL}}}}
routing: {{daemon: bird, protocol: PROTOCOL}}
"""


RIP_GROUP = b"\x01\x00\x5e\0\0\x09"


@pytest.fixture(scope="module", params=["bgp", "rip", "ospf"])
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    needs("bird")
    file: Path = tmp_path_factory.mktemp("bird") / "over-bird.yaml"
    text = TOPOLOGY.replace("PROTOCOL", request.param)
    file.write_text(f"name: {unique('over-bird-' + request.param)}\n{text}")
    with Lab.up(file) as running:
        yield running


def routes(lab: Lab, node: str, address: str = A6) -> list[tuple[str, int]]:
    """Who wrote each route to A in a node's kernel, and how many next hops it has."""
    family = "-6" if ":" in address else "-4"
    with lab.inside(node):
        command = ["ip", "-j", family, "route", "show", address]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=20)
    found = json.loads(done.stdout or "[]")
    return [(route["protocol"], len(route.get("nexthops", [route]))) for route in found]


def test_what_the_agent_writes_is_learned_and_spoken_of(lab: Lab) -> None:
    assert routes(lab, "r1") == [("201", 2)]
    # s1 and s2 are as far from r0 as s3: had the members a daemon of their own, so they would be
    assert routes(lab, "r0") == [("bird", 2)]
    assert lab.predict()["c1", "A"] == ("s1", "s2", "s3")


def test_members_that_leave_are_told_of_no_more_and_come_back(lab: Lab) -> None:
    lab.withdraw("s1", "A")
    assert eventually(lambda: routes(lab, "r1") == [("201", 1)])
    lab.withdraw("s2", "A")
    assert eventually(lambda: routes(lab, "r1") == [("bird", 1)], 20)
    assert eventually(lambda: routes(lab, "r0") == [("bird", 1)], 20)
    assert lab.predict()["c1", "A"] == ("s3",)
    lab.announce("s2", "A")
    assert eventually(lambda: routes(lab, "r1") == [("201", 1)])
    assert eventually(lambda: routes(lab, "r0") == [("bird", 2)], 20)
    assert told(lab)["members"] == {"A": ["s2"]}


@pytest.mark.parametrize("lab", ["rip"], indirect=True)
def test_a_ripv2_response_of_a_host_is_believed_and_infinity_takes_it_back(
    lab: Lab, tmp_path: Path
) -> None:
    """The article's own proposal (RFC 2453, section 4), made by hand, judged by BIRD and tshark."""
    here = next(port for port in lab.network.lans[0].ports if port.node == "s1")

    def response(metric: int) -> bytes:
        entry = RIPEntry(addr="192.0.2.77", mask="255.255.255.255", metric=metric)
        ip = IP(src=str(here.ipv4.ip), dst="224.0.0.9", ttl=1)
        return bytes(ip / UDP(sport=520, dport=520) / RIP(cmd=2, version=2) / entry)

    with (
        Captures(lab, ["r1"], tmp_path),
        lab.socket("s1", socket.AF_PACKET, socket.SOCK_DGRAM, 0) as sock,
    ):
        sock.sendto(response(1), ("lan1", 0x0800, 0, 0, RIP_GROUP))
        assert eventually(lambda: routes(lab, "r1", "192.0.2.77") == [("bird", 1)])
        assert eventually(lambda: routes(lab, "r0", "192.0.2.77") == [("bird", 1)])
        sock.sendto(response(16), ("lan1", 0x0800, 0, 0, RIP_GROUP))
        assert eventually(lambda: routes(lab, "r1", "192.0.2.77") == [])
    file, ours = tmp_path / "r1.pcapng", f"rip && ip.src == {here.ipv4.ip}"
    sound = "rip.version == 2 && ip.checksum.status == 1 && !_ws.malformed && !_ws.expert"
    wanted = [["192.0.2.77", "255.255.255.255", metric] for metric in ("1", "16")]
    shown = ("rip.ip", "rip.netmask", "rip.metric")
    assert found_by_tshark(file, f"{ours} && {sound}", *shown) == wanted
    assert found_by_tshark(file, "(rip || ripng) && _ws.malformed", "frame.number") == []
