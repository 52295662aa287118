"""Whether a namespace takes in what is sent to an address: asked by a look-up of its route."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from ipaddress import ip_address
from socket import AF_INET, AF_INET6

from pyroute2.netlink.rtnl.rtmsg import rtmsg

from anycastlab.kernel.messages import family_of
from anycastlab.kernel.netlink import Netlink
from anycastlab.kernel.template import Encoder, compile_message, encode
from anycastlab.topology.network import Address

_GETROUTE, _REQUEST = 26, 1
_TYPE, _LOCAL = 7, 2  # in struct rtmsg
_MARKS: Mapping[int, bytes] = {AF_INET: b"\xa5\x5a\xa5\x5a", AF_INET6: b"\xa5\x5a" * 8}


@cache
def _look_up(family: int) -> Encoder:
    mark = _MARKS[family]
    message = rtmsg()
    message["family"], message["dst_len"] = family, 8 * len(mark)
    message["attrs"] = [("RTA_DST", str(ip_address(mark)))]
    return compile_message(encode(message, _GETROUTE, _REQUEST), [mark])


def is_local(socket: Netlink, address: Address) -> bool:
    """Whether a packet to *address* stays in the socket's namespace."""
    packed = address.packed
    route = socket.get(_look_up(family_of(packed))(packed))
    return route is not None and route[_TYPE] == _LOCAL
