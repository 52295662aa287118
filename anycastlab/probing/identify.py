"""Which probe is this packet? Its id, or for a session its addresses and source port.

Used on what taps record and on what ICMP errors quote; both begin at the IP header. IPv4 options
and IPv6 extension headers are not looked behind: the taps' filter lets none through.
"""

from __future__ import annotations

from struct import Struct

from anycastlab.probing.craft import SYN_PORT

ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58  # plain numbers: the enumerations of `socket` are slower
SYN, RST, ACK = 0x02, 0x04, 0x10
ECHO_REPLY, ECHO_REPLY_6 = 0, 129

Flow = bytes
"""Source address, destination address and source port (two bytes) of a session's SYN."""

# Of the IP header the protocol, then in the transport header: type and code of ICMP or the source
# port, destination port, echo id or sequence number, acknowledgement, TCP flags, id in UDP data.
_fields_4 = Struct("!9xB10xHHIIxB2xI").unpack_from
_fields_6 = Struct("!6xB33xHHIIxB2xI").unpack_from
_WORD = 0xFFFFFFFF
_ECHOES, _REPLIES = (ICMP, ICMPV6), (ECHO_REPLY, ECHO_REPLY_6)


def identify(packet: bytes) -> tuple[bool, int | Flow] | None:
    """Return whether the packet is a reply, and the probe it belongs to; None for another segment.

    A crafted SYN is known by its source port, its reply by the acknowledgement number. *packet* is
    one of the kinds the taps record, at least 60 bytes (padded if need be); ids of other senders
    are for the caller to leave out.
    """
    version_4 = packet[0] == 0x45
    fields = _fields_4(packet) if version_4 else _fields_6(packet)
    protocol, source, destination, word, acknowledged, flags, late = fields
    if protocol in _ECHOES:
        return source >> 8 in _REPLIES, word
    if protocol == UDP:
        return False, late
    if protocol != TCP or (flags & ACK and destination != SYN_PORT):
        return None
    if flags & ACK:
        return True, acknowledged - 1 & _WORD
    if source == SYN_PORT:
        return False, word
    return False, packet[12:22] if version_4 else packet[8:42]
