"""A member tells its LAN, unasked, that it has its group's addresses: the polite way to take over.

By IPv4 a gratuitous ARP request (RFC 5227, section 2.3), by IPv6 an unsolicited Neighbour
Advertisement to all nodes (RFC 4861, section 7.2.6), overriding unless the address is the kernel's
own anycast (section 7.2.7).
"""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING

from anycastlab.errors import UsageError
from anycastlab.kernel.checksum import checksum, ipv6_pseudo_header
from anycastlab.topology.network import Address, Interface

if TYPE_CHECKING:
    from anycastlab.lab.handle import Lab

_ARP, _IPV6, _ICMPV6 = b"\x08\x06", b"\x86\xdd", 58
_BROADCAST, _ALL_NODES = b"\xff" * 6, bytes.fromhex("ff020000000000000000000000000001")
_ETHERNET_OF_IPV4 = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1)  # and: a request
_ADVERTISEMENT, _HOPS = 136, 255
_ROUTER, _OVERRIDE, _TARGET_LINK_ADDRESS = 0x80, 0x20, 2


def advertise(lab: Lab, node: str, group: str) -> int:
    """Advertise a group's addresses at a node that is on their LAN; return how many.

    Raises UsageError where it has none, or is dead.
    """
    wanted = lab.network.groups[group]
    ports = {port.segment: port for port in lab.network.nodes[node].interfaces}
    found = [(address, ports[lan]) for address, lan in wanted.on_link.items() if lan in ports]
    if not found:
        raise UsageError(f"{group!r} has no address on a LAN of {node!r}")
    router = lab.network.nodes[node].forwards
    with lab.socket(node, socket.AF_PACKET, socket.SOCK_RAW) as sock:
        for address, port in found:
            frame = frame_of(address, port, router=router, override=address not in wanted.formal)
            sock.sendto(frame, (port.name, 0))
    return len(found)


def frame_of(address: Address, port: Interface, *, router: bool, override: bool) -> bytes:
    """The Ethernet frame that a port sends."""
    mac = port.mac
    if address.version == 4:
        said = mac + address.packed + bytes(6) + address.packed
        return _BROADCAST + mac + _ARP + _ETHERNET_OF_IPV4 + said
    source, flags = port.link_local, _ROUTER * router | _OVERRIDE * override
    option = bytes((_TARGET_LINK_ADDRESS, 1)) + mac
    body = struct.pack("!BBHI", _ADVERTISEMENT, 0, 0, flags << 24) + address.packed + option
    pseudo = ipv6_pseudo_header(source, _ALL_NODES, len(body), _ICMPV6)
    body = body[:2] + checksum(pseudo + body).to_bytes(2, "big") + body[4:]
    head = struct.pack("!IHBB", 6 << 28, len(body), _ICMPV6, _HOPS) + source + _ALL_NODES
    return b"\x33\x33" + _ALL_NODES[-4:] + mac + _IPV6 + head + body
