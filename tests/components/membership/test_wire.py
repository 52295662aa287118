"""Membership messages on the wire: as Scapy and tcpdump have them, and what is refused."""

from __future__ import annotations

import subprocess
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP
from scapy.layers.inet6 import ICMPv6MLQuery, ICMPv6MLReport2, IPv6
from scapy.packet import Raw
from scapy.utils import wrpcap

from anycastlab.components.membership import craft, wire
from anycastlab.components.membership.wire import Malformed, Message
from tests.components.tshark import found_by_tshark

from .packets import A4, A6, HOST4, HOST6, advertisement, cut, igmp, mld


def packed(text: str) -> bytes:
    return ip_address(text).packed


@pytest.mark.parametrize("kind", ["query", "report", "leave"])
def test_what_scapy_makes_is_read(kind: Any) -> None:
    assert wire.mld(bytes(mld(kind, mrd=250))) == Message(kind, packed(A6), packed(HOST6), 0.25)
    assert wire.igmp(igmp(kind, mrcode=7)) == Message(kind, packed(A4), packed(HOST4), 0.7)


def test_an_answer_to_a_poll_is_a_report() -> None:
    found = wire.advertisement(bytes(advertisement()))
    assert found == Message("report", packed(A6), packed(A6))


@pytest.mark.parametrize("kind", ["query", "report", "leave"])
def test_what_is_crafted_is_as_scapy_has_it_and_is_read_as_it_was_meant(kind: Any) -> None:
    made = craft.mld(kind, packed(HOST6), packed(A6), 1.5)
    if kind != "query":
        assert made.packet == bytes(mld(kind, mrd=1500))
    assert wire.mld(made.packet) == Message(kind, packed(A6), packed(HOST6), 1.5)
    mirrored = craft.igmp(kind, packed(HOST4), packed(A4), 1.5)
    assert IP(mirrored.packet)[IP].ttl == 1
    assert wire.igmp(mirrored.packet) == Message(kind, packed(A4), packed(HOST4), 1.5)


def test_packets_go_to_the_groups_and_link_addresses_that_the_protocols_say() -> None:
    report = craft.mld("report", packed(HOST6), packed(A6))
    assert (report.mac.hex(":"), IPv6(report.packet).dst) == ("33:33:00:00:00:02", "ff02::2")
    general = craft.mld("query", packed(HOST6), wire.NOBODY[6], 10)
    assert (general.mac.hex(":"), IPv6(general.packet).dst) == ("33:33:00:00:00:01", "ff02::1")
    specific = craft.mld("query", packed(HOST6), packed(A6))
    assert IPv6(specific.packet).dst == "ff02::1:ff00:1"
    assert IPv6(specific.packet)[ICMPv6MLQuery].mrd == 0
    leave = craft.igmp("leave", packed(HOST4), packed(A4))
    assert (leave.mac.hex(":"), IP(leave.packet).dst) == ("01:00:5e:00:00:02", "224.0.0.2")
    poll = craft.solicitation(packed(HOST6), b"\x02\x00\x00\x00\x00\x0b", packed(A6))
    assert (IPv6(poll.packet).dst, IPv6(poll.packet).hlim) == ("ff02::1:ff00:1", 255)


BAD_MLD = {
    "hop limit 64, must be 1": mld(hlim=64),
    "the source is not link-local": mld(src="2001:db8::1"),
    "no router alert": mld(options=[]),
    "wrong checksum": mld(cksum=0x1234),
    "truncated: 16 bytes of 24": cut(mld(), 64),
    "truncated in the hop-by-hop header": cut(mld(), 44),
    "truncated in the IPv6 header": bytes(mld())[:39],
    "truncated: 71 bytes of 72": bytes(mld())[:71],
    "oversized: 1372 bytes": mld() / Raw(bytes(1300)),
    "a report without an address": mld(address="::"),
    "no hop-by-hop header with a router alert": IPv6(bytes(mld())[:6] + b"\x3a" + bytes(mld())[7:]),
}


@pytest.mark.parametrize("reason", BAD_MLD)
def test_a_bad_mld_message_is_refused(reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        wire.mld(bytes(BAD_MLD[reason]))


def test_what_follows_a_message_is_passed_over_as_the_rfc_has_it() -> None:
    assert wire.mld(bytes(mld() / Raw(b"a later version"))) == wire.mld(bytes(mld()))
    assert wire.mld(bytes(mld()) + b"padding of the link") == wire.mld(bytes(mld()))


IPV4_SUM = bytearray(igmp())
IPV4_SUM[10] ^= 1
BAD_IGMP = {
    "TTL 5, must be 1": igmp(ttl=5),
    "no router alert": igmp(options=[]),
    "wrong checksum": igmp(chksum=1),
    "wrong checksum of the IPv4 header": bytes(IPV4_SUM),
    "truncated in the IPv4 header": igmp()[:19],
    "truncated: 31 bytes of 32": igmp()[:31],
    "the source is no host's address": igmp(src="0.0.0.0"),
    "a report without an address": igmp(address="0.0.0.0"),
}


@pytest.mark.parametrize("reason", BAD_IGMP)
def test_a_bad_igmp_message_is_refused(reason: str) -> None:
    with pytest.raises(Malformed, match=f"^{reason}"):
        wire.igmp(BAD_IGMP[reason])


BAD_ND = {
    "hop limit 64, must be 255": advertisement(hlim=64),
    "code 3, must be 0": advertisement(code=3),
    "truncated: 20 bytes of 24": cut(advertisement(), 60),
    "the target is multicast": advertisement("ff02::5"),
}


@pytest.mark.parametrize("reason", BAD_ND)
def test_a_bad_advertisement_is_refused(reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        wire.advertisement(bytes(BAD_ND[reason]))


def test_what_is_for_real_multicast_or_for_somebody_else_is_passed_over() -> None:
    assert wire.mld(bytes(mld(address="ff02::1:ff00:1", src="::"))) is None
    assert wire.igmp(igmp(address="239.1.1.1")) is None
    assert wire.advertisement(bytes(advertisement(solicited=0))) is None
    version2 = IPv6(src=HOST6, dst="ff02::16", hlim=1) / mld().payload.__class__(
        options=mld().payload.options
    )
    assert wire.mld(bytes(version2 / ICMPv6MLReport2())) is None


VALID = {wire.mld: bytes(mld()), wire.igmp: igmp(), wire.advertisement: bytes(advertisement())}


@settings(deadline=None)
@given(st.sampled_from(sorted(VALID, key=lambda parse: parse.__name__)), st.binary(max_size=1500))
def test_any_bytes_are_read_or_refused_and_nothing_else(parse: Any, packet: bytes) -> None:
    try:
        found = parse(packet)
    except Malformed as error:
        assert str(error)
    else:
        assert found is None or found.kind in ("query", "report", "leave")


@settings(deadline=None)
@given(
    st.sampled_from(sorted(VALID, key=lambda parse: parse.__name__)),
    st.integers(0, 95),
    st.integers(1, 255),
)
def test_no_changed_byte_makes_another_report_of_one(parse: Any, at: int, change: int) -> None:
    packet = bytearray(VALID[parse])
    packet[at % len(packet)] ^= change
    try:
        found = parse(bytes(packet))
    except Malformed:
        return
    assert found in (None, parse(VALID[parse]))


COMPLAINT = (
    "_ws.malformed || _ws.expert.severity >= warning"
    " || icmpv6.checksum.status == 0 || igmp.checksum.status == 0"
)


def captured(packets: list[bytes], tmp_path: Path) -> Path:
    """A capture of IP packets."""
    file = tmp_path / "packets.pcap"
    wrpcap(str(file), [IPv6(one) if one[0] >> 4 == 6 else IP(one) for one in packets], linktype=101)
    return file


def dissected(packets: list[bytes], tmp_path: Path) -> str:
    """What tcpdump prints of IP packets."""
    file = captured(packets, tmp_path)
    done = subprocess.run(
        ["tcpdump", "-nvvr", str(file)], check=True, capture_output=True, text=True, timeout=20
    )
    return done.stdout


def ours() -> list[bytes]:
    """One of each message that an agent sends."""
    a6, a4, h6, h4 = packed(A6), packed(A4), packed(HOST6), packed(HOST4)
    kinds: tuple[Any, ...] = ("query", "report", "leave")
    made = [craft.mld(kind, h6, a6) for kind in kinds]
    made += [craft.mld("query", h6, wire.NOBODY[6], 0.1)]
    made += [craft.igmp(kind, h4, a4) for kind in kinds]
    made += [craft.solicitation(h6, b"\x02\x00\x00\x00\x00\x0b", a6)]
    return [one.packet for one in made]


def test_tcpdump_reads_ours_without_complaint(tmp_path: Path) -> None:
    said = dissected(ours(), tmp_path)
    assert said.count("[icmp6 sum ok] ICMP6, multicast listener") == 4
    assert said.count(f"addr: {A6}") == 3
    assert f"igmp v2 report {A4}" in said
    assert f"igmp leave {A4}" in said
    assert f"[icmp6 sum ok] ICMP6, neighbor solicitation, length 32, who has {A6}" in said
    assert not any(word in said.lower() for word in ("bad", "trunc", "invalid", "|"))
    assert "bad icmp6 cksum" in dissected([bytes(mld(cksum=0x1234))], tmp_path)


def test_tshark_reads_ours_without_complaint(tmp_path: Path) -> None:
    file = captured(ours(), tmp_path)
    assert found_by_tshark(file, COMPLAINT, "frame.number") == []
    shown = ("icmpv6.type", "icmpv6.mld.multicast_address", "igmp.type", "igmp.maddr")
    assert found_by_tshark(file, "frame", *shown) == [
        ["130", A6, "", ""],
        ["131", A6, "", ""],
        ["132", A6, "", ""],
        ["130", "::", "", ""],
        ["", "", "0x11", A4],
        ["", "", "0x16", A4],
        ["", "", "0x17", A4],
        ["135", "", "", ""],
    ]
    wrong = [bytes(mld(cksum=0x1234)), igmp(chksum=1), cut(mld(), 64)]
    assert len(found_by_tshark(captured(wrong, tmp_path), COMPLAINT, "frame.number")) == 3
