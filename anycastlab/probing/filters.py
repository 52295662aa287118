"""Which packets reach the prober: filters the kernel runs, so that Python sees probes only."""

from __future__ import annotations

import struct
from functools import cache
from socket import IPPROTO_ICMPV6, socket
from typing import TYPE_CHECKING

from anycastlab.components.identity_wire import IDENTITY_PORT, MAGIC
from anycastlab.kernel.bpf import (
    INTERFACE,
    PACKET_TYPE,
    Line,
    Program,
    any_bit,
    assemble,
    equal,
    here,
    keep,
    load_byte,
    load_half,
    load_word,
    mask,
)
from anycastlab.kernel.packet import HOST, LOOPBACK, MULTICAST, OUTGOING
from anycastlab.probing.craft import SYN_PORT
from anycastlab.probing.identify import ACK, ICMP, ICMPV6, RST, SYN, TCP, UDP

if TYPE_CHECKING:
    from anycastlab.topology.network import Family

KEPT = 128  # of each packet: IPv6 and the longest TCP header take 100

_SOL_RAW, _ICMP_FILTER, _ICMP6_FILTER = 255, 1, 1
_FRAGMENT = 0x3FFF  # the more-fragments flag and the offset
_MAGIC = struct.unpack("!II", MAGIC)


def _transport(head: int, icmp: int, request: int, reply: int) -> list[Line]:
    """Judge what follows an IP header of *head* bytes; the protocol's number is loaded."""
    at = f"at{head}-"
    return [
        equal(icmp, then=f"{at}icmp"),
        equal(UDP, then=f"{at}udp"),
        equal(TCP, then=f"{at}tcp", otherwise="drop"),
        here(f"{at}icmp"),
        load_byte(head),
        equal(request, then=f"{at}magic"),
        equal(reply, then=f"{at}magic", otherwise="drop"),
        here(f"{at}udp"),
        load_half(head + 2),
        equal(IDENTITY_PORT, otherwise="drop"),
        here(f"{at}magic"),
        load_word(head + 8),
        equal(_MAGIC[0], otherwise="drop"),
        load_word(head + 12),
        equal(_MAGIC[1], then="keep", otherwise="drop"),
        here(f"{at}tcp"),
        load_half(head + 2),
        equal(IDENTITY_PORT, then=f"{at}flags"),
        load_half(head),
        equal(IDENTITY_PORT, otherwise="drop"),
        here(f"{at}flags"),
        load_byte(head + 13),
        any_bit(SYN, then="keep"),
        mask(RST | ACK),
        equal(RST | ACK, then="keep", otherwise="drop"),
    ]


@cache
def recorded_by_taps() -> Program:
    """Probes and their replies as they enter or leave by any interface but `lo`.

    That is: ICMP echo with our MAGIC, UDP requests to the identity service, and of TCP to and from
    its port the SYNs and whatever answers one. Frames a bridge flooded to others do not count, nor
    do fragments; those to a group of stations do, see anycastlab.components.link_multicast.
    """
    return assemble(
        load_word(PACKET_TYPE),
        equal(HOST, then="ours"),
        equal(MULTICAST, then="ours"),
        equal(OUTGOING, otherwise="drop"),
        here("ours"),
        load_word(INTERFACE),
        equal(LOOPBACK, then="drop"),
        load_byte(0),
        equal(0x45, then="v4"),
        mask(0xF0),
        equal(0x60, otherwise="drop"),
        load_byte(6),
        *_transport(40, ICMPV6, 128, 129),
        here("v4"),
        load_half(6),
        any_bit(_FRAGMENT, then="drop"),
        load_byte(9),
        *_transport(20, ICMP, 8, 0),
        here("keep"),
        keep(KEPT),
        here("drop"),
        keep(0),
    )


@cache
def _answers_to_syns(head: int) -> Program:
    return assemble(
        load_half(head + 2),
        equal(SYN_PORT, otherwise="drop"),
        keep(KEPT),
        here("drop"),
        keep(0),
    )


def only_answers_to_syns(sock: socket, family: Family) -> None:
    """Let a raw TCP socket receive what is sent to SYN_PORT. (IPv6 raw sockets hide the header.)"""
    _answers_to_syns(20 if family == 4 else 0).attach(sock)


def only_replies_and_errors(sock: socket, family: Family) -> None:
    """Let a raw ICMP socket receive echo replies, unreachables and time-exceeded messages."""
    if family == 4:
        blocked = ~(1 << 0 | 1 << 3 | 1 << 11) & 0xFFFFFFFF
        sock.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("I", blocked))
        return
    blocked6 = [0xFFFFFFFF] * 8  # one bit for each type, as RFC 3542 section 3.2 has it
    for passed in (1, 3, 129):
        blocked6[passed >> 5] &= ~(1 << (passed & 31))
    sock.setsockopt(IPPROTO_ICMPV6, _ICMP6_FILTER, struct.pack("8I", *blocked6))
