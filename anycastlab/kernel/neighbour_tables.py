"""The timers of the ARP and ND caches, one interface at a time (RTM_SETNEIGHTBL of rtnetlink(7)).

Unlike the sysctls of the same names they are in milliseconds throughout; the kernel rounds them up
to ticks of its own (4 ms at 250 Hz).
"""

from __future__ import annotations

from collections.abc import Mapping
from socket import AF_INET, AF_INET6
from types import MappingProxyType

from pyroute2.netlink.rtnl.ndtmsg import ndtmsg

from anycastlab.kernel.template import encode

_SETNEIGHTBL, _REQUEST = 67, 1
_TABLES: Mapping[int, str] = {AF_INET: "arp_cache", AF_INET6: "ndisc_cache"}

TIMES: Mapping[str, str] = MappingProxyType(
    {
        "reachable": "NDTPA_BASE_REACHABLE_TIME",
        "delay": "NDTPA_DELAY_PROBE_TIME",
        "retrans": "NDTPA_RETRANS_TIME",
        "locktime": "NDTPA_LOCKTIME",
        # the kernel delays its answers for anycast addresses as those for proxied ones
        "anycast_delay": "NDTPA_PROXY_DELAY",
    }
)
"""What can be set, in seconds, by the kernel's name of it."""


def timers(index: int, seconds: Mapping[str, float], probes: int | None) -> list[bytes]:
    """Set the times named in TIMES, and how many unicast probes, of an interface's two caches."""
    wanted = [(TIMES[name], round(value * 1000)) for name, value in seconds.items()]
    if probes is not None:
        wanted.append(("NDTPA_UCAST_PROBES", probes))
    return [_set(family, index, wanted) for family in _TABLES] if wanted else []


def _set(family: int, index: int, wanted: list[tuple[str, int]]) -> bytes:
    message = ndtmsg()
    message["family"] = family
    parameters = {"attrs": [("NDTPA_IFINDEX", index), *wanted]}
    message["attrs"] = [("NDTA_NAME", _TABLES[family]), ("NDTA_PARMS", parameters)]
    return encode(message, _SETNEIGHTBL, _REQUEST)
