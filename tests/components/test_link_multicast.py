"""The component ``link-multicast``; topologies/lan-multicast shows what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest

from anycastlab.components.link_multicast import group_mac
from anycastlab.errors import TopologyError
from anycastlab.experiments.load import load_checked
from anycastlab.lab.execution import run
from tests.experiments.shared_lab import SharedLab
from tests.lab.conftest import unique

TOPOLOGY = """\
nodes:
  c1: {role: client, run: [link-multicast: {group: A}]}
  s1: {role: server, run: [link-multicast: {group: A}]}
  s2: server
lans: {lan1: {nodes: [c1, s1, s2], subnet: [10.9.0.0/24, "2001:db8:9::/64"]}}
anycast:
  A: {addresses: [10.9.0.200, "2001:db8:9::200"], members: [s1, s2]}
  B: {addresses: 192.0.2.1, members: [s1]}
"""
MACS = {"10.9.0.200": "01:00:5e:09:00:c8", "2001:db8:9::200": "33:33:00:00:02:00"}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedLab]:
    with SharedLab.up(TOPOLOGY, unique("group"), tmp_path_factory.mktemp("lan")) as lab:
        yield lab


def printed(shared: SharedLab, node: str, command: str) -> str:
    return run(shared.lab, node, ["/bin/sh", "-c", command], 5).output


def test_the_mac_has_the_low_23_bits_of_an_ipv4_address_and_32_of_an_ipv6_address() -> None:
    assert group_mac(IPv4Address("10.137.0.200")) == bytes.fromhex("01005e0900c8")
    assert group_mac(IPv4Address("10.9.0.200")) == bytes.fromhex("01005e0900c8")
    assert group_mac(IPv6Address("2001:db8:9::8123:200")) == bytes.fromhex("333381230200")


def test_iproute2_shows_the_members_station_group_and_the_clients_entry(shared: SharedLab) -> None:
    for address, mac in MACS.items():
        assert mac in printed(shared, "s1", "ip maddr show dev lan1")
        assert mac not in printed(shared, "s2", "ip maddr show dev lan1")
        assert f"{mac} PERMANENT" in printed(shared, "c1", f"ip neigh show {address}")
        assert printed(shared, "s2", f"ip neigh show {address}") == ""
    assert shared.lab.show("c1", "link-multicast")["link-multicast"] == MACS


@pytest.mark.parametrize(
    ("group", "problem"),
    [
        ("X", "3:52: link-multicast: no group 'X'"),
        ("B", "3:52: link-multicast: group 'B' has no address on a LAN of c1"),
    ],
)
def test_a_group_without_an_address_on_the_lan_is_refused(
    tmp_path: Path, group: str, problem: str
) -> None:
    file = tmp_path / "wrong.yaml"
    text = TOPOLOGY.replace("link-multicast: {group: A}", f"link-multicast: {{group: {group}}}", 1)
    file.write_text(f"name: {unique('wrong')}\n{text}")
    with pytest.raises(TopologyError) as caught:
        load_checked(file)
    assert problem in str(caught.value)
