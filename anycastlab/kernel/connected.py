"""The route to an interface's own subnet, which the kernel makes with the address, made again."""

from __future__ import annotations

from ipaddress import IPv4Interface
from socket import AF_INET

from pyroute2.netlink.rtnl.rtmsg import rtmsg

from anycastlab.kernel.messages import NEWROUTE
from anycastlab.kernel.template import encode

_PUT = 0x1 | 0x400 | 0x100  # request, create, replace
_MAIN, _KERNEL, _LINK, _UNICAST = 254, 2, 253, 1


def route(index: int, address: IPv4Interface) -> bytes:
    """Put the route of an IPv4 address in the place of whatever leads to its subnet.

    IPv6 needs none: there the kernel's own route has a metric of its own, and others stand beside.
    """
    message = rtmsg()
    message["family"], message["dst_len"] = AF_INET, address.network.prefixlen
    message["table"], message["proto"], message["type"] = _MAIN, _KERNEL, _UNICAST
    message["scope"] = _LINK
    message["attrs"] = [
        ("RTA_DST", str(address.network.network_address)),
        ("RTA_PREFSRC", str(address.ip)),
        ("RTA_OIF", index),
    ]
    return encode(message, NEWROUTE, _PUT)
