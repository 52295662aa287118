"""The rtnetlink messages for addresses that come and go: service addresses of a LAN's subnet."""

from __future__ import annotations

from socket import AF_INET6, inet_ntop

from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg

from anycastlab.kernel.messages import DELADDR, NEWADDR, family_of
from anycastlab.kernel.template import encode

_REQUEST, _REPLACE, _CREATE = 1, 0x100, 0x400
_NODAD = 0x02
_FOR_EVER = 0xFFFFFFFF


def hold(index: int, packed: bytes) -> bytes:
    """Put an address on an interface, as one that is answered for and asked of.

    IPv6 has it deprecated (RFC 4862, section 5.5.4): so it is the source of answers, and of nothing
    that the node sends by itself.
    """
    message = _address(index, packed)
    if message["family"] == AF_INET6:
        lifetimes = {"ifa_preferred": 0, "ifa_valid": _FOR_EVER, "cstamp": 0, "tstamp": 0}
        message["flags"] = _NODAD
        message["attrs"] += [("IFA_CACHEINFO", lifetimes)]
    return encode(message, NEWADDR, _REQUEST | _CREATE | _REPLACE)


def give_up(index: int, packed: bytes) -> bytes:
    """Take an address from an interface."""
    return encode(_address(index, packed), DELADDR, _REQUEST)


def _address(index: int, packed: bytes) -> ifaddrmsg:
    message = ifaddrmsg()
    message["family"], message["prefixlen"] = family_of(packed), 8 * len(packed)
    message["index"], text = index, inet_ntop(message["family"], packed)
    message["attrs"] = [("IFA_LOCAL", text), ("IFA_ADDRESS", text)]
    return message
