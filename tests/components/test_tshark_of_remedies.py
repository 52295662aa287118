"""What tshark, an independent witness, finds in our captures: what is claimed of each mechanism.

The hand-over and the pinning option are with their own tests.
"""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP

from anycastlab.components.identity_wire import IDENTITY_PORT
from anycastlab.lab.handle import Lab
from anycastlab.probing.capture import Recording
from anycastlab.probing.sessions import SessionPlan, hold_sessions
from anycastlab.probing.sessions_way import By
from anycastlab.probing.stream_flows import flows
from anycastlab.probing.stream_record import Strike
from anycastlab.topology.network import Family
from tests.components.tshark import found_by_tshark
from tests.lab.conftest import TOPOLOGIES, unique

TO, FROM = f"tcp.dstport == {IDENTITY_PORT}", f"tcp.srcport == {IDENTITY_PORT}"
BAD = "ip.checksum.status == bad || icmp.checksum.status == bad || icmpv6.checksum.status == bad"
BAD_ABOVE = "(tcp.checksum.status == bad || udp.checksum.status == bad) && !icmp && !icmpv6"
"""Not of what is quoted: a kernel quotes packets as it has them, whose checksum it may have left to
hardware that no veth has."""


class Wire:
    """A lab of one of the topologies, what passes one node of it, and what tshark finds there."""

    def __init__(self, lab: Lab, recording: Recording, file: Path) -> None:
        self.lab, self._recording, self.file = lab, recording, file

    def own(self, node: str, version: int) -> str:
        """A node's own address."""
        found = self.lab.network.nodes[node]
        return str(found.ipv4 if version == 4 else found.ipv6)

    def service(self, version: int, group: str = "A") -> str:
        """A group's address."""
        addresses = self.lab.network.groups[group].addresses
        return next(str(one) for one in addresses if one.version == version)

    def shift(self, a: str, b: str) -> Strike:
        """The fault that makes a link dear."""
        return Strike("it grows dear", lambda: self.lab.set_cost(a, b, 30))

    def sessions(self, by: By, family: Family, *strikes: Strike, group: str = "A") -> None:
        """Two sessions of c1's with a group; nothing is expected of them here."""
        sent = flows(self.lab.network, ["c1"], group, [family])
        hold_sessions(self.lab, sent, SessionPlan(2, 0.01, after=0.15, by=by), strikes)
        self.take()

    def program(self, node: str, *command: str) -> None:
        """A program in a node; nothing is expected of it here."""
        with self.lab.inside(node):
            subprocess.run(command, capture_output=True, check=False)
        self.take()

    def take(self) -> None:
        """Record what has passed."""
        self._recording.take()

    def finds(self, display: str, *fields: str) -> list[tuple[str, ...]]:
        """The fields of what a display filter shows; from now on nothing is recorded."""
        self._recording.close()
        return [tuple(row) for row in found_by_tshark(self.file, display, *fields)]


@contextmanager
def wire(name: str, node: str, folder: Path) -> Iterator[Wire]:
    """What passes a node; in the end no checksum in that may have been bad."""
    file = folder / f"{node}.pcapng"
    with Lab.up(TOPOLOGIES / f"{name}.yaml", name=unique(name[:20])) as lab:
        recording = Recording(lab.socket(node, socket.AF_PACKET, socket.SOCK_DGRAM), file)
        try:
            yield Wire(lab, recording, file)
        finally:
            recording.close()
    assert found_by_tshark(file, f"{BAD} || ({BAD_ABOVE})", "frame.number") == []


def test_a_bad_checksum_is_found(tmp_path: Path) -> None:
    found = r"\[\['\d+'\], \['\d+'\]\] == \[\]"  # it comes in, it goes out
    with pytest.raises(AssertionError, match=found), wire("tcp-plain", "r1", tmp_path) as seen:
        header = IP(src=seen.own("c1", 4), dst=seen.service(4))
        with seen.lab.socket("c1", socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
            for segment in (TCP(flags="R"), TCP(flags="R", chksum=1)):
                raw.sendto(bytes(header / segment), (seen.service(4), 0))
        seen.take()


def test_without_a_remedy_all_is_with_the_service_and_another_resets_it(tmp_path: Path) -> None:
    with wire("tcp-plain", "s2", tmp_path) as seen:
        seen.sessions("service-address", 4, seen.shift("s1", "r1"))
        found = seen.finds("tcp.flags.syn == 1 || tcp.flags.reset == 1", "ip.src", "tcp.flags")
        assert set(found) == {(seen.service(4), "0x0004")}


def test_behind_a_stateful_middle_nobody_resets_anything(tmp_path: Path) -> None:
    with wire("tcp-hang", "c1", tmp_path) as seen:
        seen.sessions("service-address", 4, seen.shift("r1", "r2"))
        shown = f"tcp.analysis.retransmission && {TO} || tcp.flags.reset == 1 && {FROM}"
        assert set(seen.finds(shown, "ip.dst")) == {(seen.service(4),)}


def test_a_source_route_leads_by_the_instance_to_the_service(tmp_path: Path) -> None:
    with wire("tcp-lsrr", "r1", tmp_path) as seen:
        seen.sessions("source-route", 4)
        found = seen.finds(TO, "ip.opt.type", "ip.cur_rt", "ip.dst")
        assert set(found) == {("131,1", seen.own("s1", 4), seen.service(4))}


def test_a_node_is_asked_by_the_service_and_answers_from_its_own(tmp_path: Path) -> None:
    with wire("icmpv6-node-information", "r1", tmp_path) as seen:
        seen.sessions("node-information", 6)
        client, service, own = seen.own("c1", 6), seen.service(6), seen.own("s1", 6)
        fields = "icmpv6.type", "ipv6.src", "ipv6.dst", "icmpv6.ni.nonce"
        asked, told = dict.fromkeys(seen.finds("icmpv6.type in {139, 140}", *fields))
        assert asked[:3] == ("139", client, service)
        assert told == ("140", own, client, asked[3])
        assert set(seen.finds(TO, "ipv6.dst")) == {(own,)}


def test_a_redirect_is_all_that_is_asked_of_the_service(tmp_path: Path) -> None:
    with wire("http-redirect", "r1", tmp_path) as seen:
        client, service, own = seen.own("c1", 4), seen.service(4), seen.own("s1", 4)
        seen.program("c1", "curl", "-sL", f"http://{service}/bytes/100")
        fields = "ip.src", "ip.dst", "http.response.code", "http.location"
        assert list(dict.fromkeys(seen.finds("http", *fields))) == [
            (client, service, "", ""),
            (service, client, "307", f"http://{own}/bytes/100"),
            (client, own, "", ""),
            (own, client, "200", ""),
        ]


@pytest.mark.parametrize("group", ["A", "B"])
def test_quic_begins_at_the_service_and_goes_on_where_the_server_prefers(
    tmp_path: Path, group: str
) -> None:
    with wire("quic-preferred-address", "r1", tmp_path) as seen:
        seen.sessions("quic", 6, seen.shift("s1", "r1"), group=group)
        service, own = seen.service(6, group), seen.own("s1", 6)
        found = seen.finds("udp.dstport == 4433", "ipv6.dst", "quic.long.packet_type")
        assert {to for to, kind in found if kind.startswith("0")} == {service}
        assert {to for to, _ in found[-20:]} == ({own} if group == "A" else {service})


def test_what_is_too_big_is_told_to_the_service_and_by_members_to_each_other(
    tmp_path: Path,
) -> None:
    with wire("pmtud-blackhole", "s2", tmp_path) as seen:
        seen.lab.stop_service("ra", "mss-clamp")
        service4, service6 = seen.service(4), seen.service(6)
        for host in (service4, f"[{service6}]"):
            path = f"http://{host}/bytes/20000"
            seen.program("c1", "curl", "-gsf", "--max-time", "3", "-o", "/dev/null", path)
        told4 = seen.finds("icmp.code == 4 && !udp", "icmp.type", "icmp.mtu", "ip.src")
        assert {row[:2] for row in told4} == {("3", "1300")}
        assert all(service4 in row[2] for row in told4), "it quotes what the service sent"
        told6 = seen.finds("icmpv6.type == 2 && !udp", "icmpv6.mtu", "ipv6.src")
        assert {row[0] for row in told6} == {"1300"}
        assert all(service6 in row[1] for row in told6), "it quotes what the service sent"
        handed_on = seen.finds("udp.dstport == 7690", "ip.dst")
        assert set(handed_on) == {(seen.own("s1", 4),)}
        assert len(handed_on) >= 2


def test_segments_are_clamped_in_the_syn(tmp_path: Path) -> None:
    with wire("pmtud-blackhole", "s1", tmp_path) as seen:
        seen.program("c1", "curl", "-gs", "--max-time", "2", f"http://{seen.service(4)}/")
        found = seen.finds("tcp.flags == 0x0002", "tcp.options.mss_val")
        assert set(found) == {("1260",)}


def test_a_large_request_comes_in_fragments_of_which_the_last_has_no_ports(tmp_path: Path) -> None:
    with wire("ecmp-fragments", "c3", tmp_path) as seen:
        service = seen.service(4)
        large = f"printf 'anyclab1%2000s' | timeout 0.2 socat - UDP:{service}:{IDENTITY_PORT}"
        seen.program("c3", "sh", "-c", large)
        shown = f"ip.dst == {service} && (ip.flags.mf == 1 || ip.frag_offset > 0)"
        found = seen.finds(shown, "ip.id", "ip.flags.mf", "ip.frag_offset")
        (identity,) = {row[0] for row in found}
        (first, last) = found
        assert first == (identity, "1", "0")
        assert last[2] in ("185", "1480"), "in words of 8 bytes, or in bytes: as tshark has it"
