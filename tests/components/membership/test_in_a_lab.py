"""Membership in a running lab: two routers hear the members of a LAN, on which somebody forges."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw

from anycastlab.errors import UsageError
from anycastlab.experiments.pacing import pause_until
from anycastlab.lab.handle import Lab
from tests.lab.conftest import unique

from .packets import A4, A6, advertisement, cut, igmp, mld

N6 = "2001:db8:a::9"
TOPOLOGY = f"""\
nodes:
  r0: router
  r1: router
  r2: {{role: router, run: [{{membership-router: {{table: 3}}}}]}}
  c1: client
  x: client
  s1: server
  s2: server
links: [[c1, r0], [r0, r1], [r0, r2]]
lans: {{lan1: {{nodes: [r1, r2, s1, s2, x]}}}}
anycast:
  A: {{addresses: "{A6}", members: {{s1: {{announce: mld}}, s2: {{announce: mld}}}}}}
  B: {{addresses: {A4}, members: {{s1: {{announce: igmp}}}}}}
  N: {{addresses: "{N6}", members: {{s2: {{announce: nd}}}}}}
"""
ROUTER = "membership-router"
IGMP_MAC = b"\x01\x00\x5e\0\0\2"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    file: Path = tmp_path_factory.mktemp("membership") / "membership.yaml"
    file.write_text(f"name: {unique('membership')}\n{TOPOLOGY}")
    with Lab.up(file) as running:
        yield running


def told(lab: Lab, router: str = "r1") -> dict[str, Any]:
    found: dict[str, Any] = lab.show(router, ROUTER)[ROUTER]
    return found


def eventually(condition: Callable[[], bool], within: float = 10.0) -> bool:
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            return False
        pause_until(time.monotonic() + 0.02)
    return True


def members(lab: Lab, router: str = "r1") -> dict[str, list[str]]:
    found: dict[str, list[str]] = told(lab, router)["members"]
    return found


EVERYBODY = {"A": ["s1", "s2"], "B": ["s1"], "N": ["s2"]}


def everybody(lab: Lab) -> bool:
    return members(lab) == EVERYBODY and not lab.state().withdrawn


class Forger:
    """The stranger on the LAN."""

    def __init__(self, lab: Lab) -> None:
        self._sockets = {
            version: (lab.socket("x", socket.AF_PACKET, socket.SOCK_DGRAM, 0), kind, mac)
            for version, kind, mac in (
                (6, 0x86DD, b"\x33\x33\0\0\0\2"),
                (4, 0x0800, IGMP_MAC),
            )
        }

    def send(self, packet: Any) -> None:
        data = bytes(packet)
        sock, kind, mac = self._sockets[data[0] >> 4]
        sock.sendto(data, ("lan1", kind, 0, 0, mac))

    def close(self) -> None:
        for sock, *_ in self._sockets.values():
            sock.close()


@pytest.fixture
def forger(lab: Lab) -> Iterator[Forger]:
    found = Forger(lab)
    yield found
    found.close()


def lines(lab: Lab, router: str = "r1") -> list[str]:
    log = (lab.directory / "supervisor.log").read_text().splitlines()
    return [line for line in log if f" {router} {ROUTER}: " in line]


def test_a_lab_is_up_when_all_that_join_have_joined(lab: Lab) -> None:
    assert everybody(lab)
    assert lab.predict()["c1", "A"] == ("s1", "s2")


def test_one_of_two_routers_asks(lab: Lab) -> None:
    asks = {router: told(lab, router)["querier"] for router in ("r1", "r2")}
    assert asks["r1"]["lan1 mld"]
    assert eventually(lambda: not told(lab, "r2")["querier"]["lan1 mld"])


def test_a_table_that_is_full_takes_no_more(lab: Lab) -> None:
    found = told(lab, "r2")
    assert found["routes"] == 3
    assert found["full"] >= 1
    assert told(lab)["full"] == 0


BAD = {
    "hop limit 64": (mld(hlim=64), "malformed"),
    "TTL 64": (igmp(ttl=64), "malformed"),
    "checksum": (mld(cksum=0xBAD), "malformed"),
    "igmp checksum": (igmp(chksum=0xBAD), "malformed"),
    "truncated": (cut(mld(), 64), "malformed"),
    "oversized": (mld() / Raw(bytes(1300)), "malformed"),
    "off-link source": (mld(src="2001:db8::bad"), "malformed"),
    "no alert": (mld(options=[]), "malformed"),
    "nd hop limit": (advertisement(N6, hlim=3), "malformed"),
    "stranger": (mld(src="fe80::bad"), "refused"),
    "igmp stranger": (igmp(src="10.99.99.99"), "refused"),
    "other address": (mld(address="2001:db8:a::77"), "refused"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_message_is_counted_has_one_line_and_makes_no_route(
    lab: Lab, forger: Forger, kind: str
) -> None:
    packet, counter = BAD[kind]
    before, written = told(lab), len(lines(lab))
    forger.send(packet)
    assert eventually(lambda: told(lab)[counter] == before[counter] + 1)
    assert len(lines(lab)) == written + 1
    after = told(lab)
    assert (after["members"], after["routes"]) == (EVERYBODY, 4)
    assert not lab.state().withdrawn


def test_no_garbage_ends_the_agent_or_makes_a_route(lab: Lab) -> None:
    chance, before = random.Random(4861), told(lab)
    seeds = [bytes(mld()), bytes(mld("query")), bytes(igmp()), bytes(advertisement(N6))]
    with lab.socket("x", socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sock.bind(("lan1", 0))
        for _ in range(500):
            packet = bytearray(chance.choice(seeds))
            for _ in range(chance.randrange(4)):
                packet[chance.randrange(len(packet))] = chance.randrange(256)
            packet = packet[: chance.randrange(1, 4 * len(packet))]
            mac = b"\x06" + chance.randbytes(5)  # each a sender of its own
            six = packet[0] >> 4 == 6
            group, kind = (b"\x33\x33\0\0\0\2", b"\x86\xdd") if six else (IGMP_MAC, b"\x08\0")
            sock.send(group + mac + kind + packet.ljust(20, b"\0"))
    assert eventually(lambda: told(lab)["received"] >= before["received"] + 200)
    assert told(lab)["malformed"] > before["malformed"]
    assert everybody(lab)
    assert "Traceback" not in (lab.directory / "supervisor.log").read_text()


def test_an_application_that_stops_is_a_member_still(lab: Lab) -> None:
    lab.stop_service("s1")
    assert lab.status()["nodes"]["s1"]["services"] == ["membership-host"]
    lab.start_service("s1")
    assert everybody(lab)


def test_a_leave_forged_in_a_members_name_takes_nothing_from_it(lab: Lab, forger: Forger) -> None:
    mac = next(port for lan in lab.network.lans for port in lan.ports if port.node == "s1")
    source = socket.inet_ntop(socket.AF_INET6, mac.link_local)
    before = lab.show("s1", "membership-host")["membership-host"]["reports"]
    forger.send(mld("leave", src=source))
    assert eventually(
        lambda: lab.show("s1", "membership-host")["membership-host"]["reports"] > before
    )
    assert everybody(lab)


def test_a_storm_of_10_000_reports_a_second_is_survived_and_counted(
    lab: Lab, forger: Forger
) -> None:
    storm = [bytes(mld(src=f"fe80::{number:x}")) for number in range(1, 101)]
    before, slowest = told(lab), 0.0
    began = time.monotonic()
    for hundred in range(100):
        for packet in storm:
            forger.send(packet)
        asked = time.monotonic()
        if hundred % 20 == 0:
            assert lab.show("r1", ROUTER)
            slowest = max(slowest, time.monotonic() - asked)
        pause_until(began + (hundred + 1) / 100)
    assert eventually(
        lambda: told(lab)["received"] + told(lab)["lost"] >= before["received"] + 9999
    )
    after = told(lab)
    seconds = time.monotonic() - began
    assert after["excess"] + after["lost"] - before["excess"] >= 10_000 - 100 * (seconds + 2)
    assert after["refused"] - before["refused"] <= 100 * (seconds + 2)
    assert slowest < 2
    assert everybody(lab)


def test_one_members_leave_leaves_the_other(lab: Lab) -> None:
    lab.withdraw("s1", "A")
    assert eventually(lambda: lab.state().withdrawn == {("A", "s1")})
    assert eventually(lambda: members(lab)["A"] == ["s2"])
    assert lab.predict()["c1", "A"] == ("s2",)
    with pytest.raises(UsageError, match="has left A already"):
        lab.withdraw("s1", "A")
    lab.announce("s1", "A")
    assert eventually(lambda: everybody(lab))
    with pytest.raises(UsageError, match="has joined A already"):
        lab.announce("s1", "A")


def test_an_agent_that_died_finds_out_again_who_is_there(lab: Lab) -> None:
    for router in ("r1", "r2"):
        lab.stop_service(router, ROUTER)
    assert not lab.state().withdrawn
    lab.withdraw("s1", "B")
    for router in ("r1", "r2"):
        lab.start_service(router, ROUTER)
    assert eventually(lambda: lab.state().withdrawn == {("B", "s1")})
    assert eventually(lambda: members(lab) == {**EVERYBODY, "B": []})
    lab.announce("s1", "B")
    assert eventually(lambda: everybody(lab))


def test_a_host_whose_agent_died_is_a_member_no_more(lab: Lab) -> None:
    lab.stop_service("s1", "membership-host")
    with pytest.raises(UsageError, match="'s1' runs no membership-host"):
        lab.withdraw("s1", "A")
    assert eventually(lambda: lab.state().withdrawn == {("A", "s1"), ("B", "s1")})
    lab.start_service("s1", "membership-host")
    assert eventually(lambda: everybody(lab))


def test_a_member_is_announced_while_any_router_hears_it(lab: Lab) -> None:
    heard = members(lab, "r2")
    lab.blackhole("lan1", "r1")
    assert eventually(lambda: not any(members(lab).values()))
    left = {(group, name) for group, names in EVERYBODY.items() for name in names}
    left -= {(group, name) for group, names in heard.items() for name in names}
    assert len(left) == 1
    assert lab.state().withdrawn == left
    assert told(lab, "r2")["querier"]["lan1 mld"]
    lab.clear("lan1", "r1")
    assert eventually(lambda: everybody(lab))


def test_a_member_that_comes_back_from_the_dead_has_to_join_again(lab: Lab) -> None:
    lab.kill("s2")
    lab.revive("s2")
    assert eventually(lambda: everybody(lab))
    lab.kill("r1")
    lab.revive("r1")
    assert eventually(lambda: everybody(lab))


def test_the_kernel_of_a_polled_host_answers_for_the_address_as_long_as_it_has_it(lab: Lab) -> None:
    lab.withdraw("s2", "N")
    assert eventually(lambda: lab.state().withdrawn == {("N", "s2")})
    assert members(lab)["N"] == members(lab, "r2")["N"] == []
    lab.announce("s2", "N")
    assert eventually(lambda: everybody(lab))


def test_a_report_is_what_other_tools_hear_too(lab: Lab) -> None:
    with lab.socket("x", socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x86DD)) as tap:
        tap.settimeout(10)
        heard = ""
        while A6 not in heard:
            heard = repr(IPv6(tap.recv(2048)))
    assert "<ICMPv6MLReport  type=MLD Report code=0" in heard
