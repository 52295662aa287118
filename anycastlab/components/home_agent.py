"""A Mobile IPv6 home agent, as far as others find it (RFC 6275, section 10.5).

A mobile node asks the home agents' anycast address of its home subnet; the agent that is reached
answers from its own address with the addresses of all. Agents hear of each other by router
advertisements; here the members of the group are told by the file.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from ipaddress import IPv6Address
from typing import Any, ClassVar

from pydantic import Field

from anycastlab.components import home_agent_wire as wire
from anycastlab.components.base import Component, Mention, Need, Options, Place, Socket
from anycastlab.errors import UsageError
from anycastlab.kernel.icmpv6 import only

_AT_ONCE = 64
_LARGEST = 1024


class HomeAgentOptions(Options):
    """Whose agent it is."""

    group: str = Field(description="The group whose address is the home agents' of a LAN.")

    def mentions(self) -> Iterable[Mention]:
        """The group."""
        needs: tuple[Need, ...] = ("on-link", "member")
        return (Mention("group", self.group, "group", one) for one in needs)

    def claims(self) -> Iterable[str]:
        """The group."""
        return (f"the home agents of {self.group}",)


class HomeAgent(Component):
    """Answers discovery requests that come to the anycast address."""

    name: ClassVar[str] = "home-agent"
    options: ClassVar[type[Options]] = HomeAgentOptions

    def __init__(self) -> None:
        self._place: Place | None = None
        self._socket: Socket | None = None
        self._asked, self._agents = b"", tuple[IPv6Address, ...]()
        self._counts = {"answered": 0, "ignored": 0}

    def start(self, place: Place, options: Options) -> None:
        """Read requests from now on. Raises UsageError for a group without such an address."""
        assert isinstance(options, HomeAgentOptions)
        self._asked, self._agents = _agents(place, options.group)
        requests = place.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        only(requests, wire.REQUEST)
        requests.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        requests.setblocking(False)
        place.watch(requests, self._ready)
        self._place, self._socket = place, requests

    def stop(self) -> None:
        """Answer no more."""
        if self._socket is not None and self._place is not None:
            self._place.unwatch(self._socket)
            self._socket.close()
        self._socket = self._place = None

    def tell(self) -> Mapping[str, Any]:
        """The requests that were answered, and those that were not to the anycast address."""
        return dict(self._counts)

    def _ready(self, requests: Socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                data, ancillary, _, asker = requests.recvmsg(_LARGEST, 64)
                identifier = wire.identifier_of(data, wire.REQUEST)
                if identifier is None or self._asked not in (item[2][:16] for item in ancillary):
                    self._counts["ignored"] += 1
                    continue
                answer = wire.reply(identifier, self._agents)
                own = self._agents[0].packed + bytes(4)  # the source must be unicast
                source = [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, own)]
                requests.sendmsg([answer], source, 0, asker)
                self._counts["answered"] += 1
            except BlockingIOError:
                return
            except OSError:  # this asker cannot be reached; the next one may
                continue


def _agents(place: Place, name: str) -> tuple[bytes, tuple[IPv6Address, ...]]:
    """Return the anycast address, and the agents' own on that LAN, this node's first."""
    group = place.network.groups[name]
    for address, lan_name in group.on_link.items():
        lan = next(lan for lan in place.network.lans if lan.name == lan_name)
        known = {port.node: port.ipv6.ip for port in lan.ports if port.node in group.instances}
        if place.node in known:
            others = (known[node] for node in known if node != place.node)
            return address.packed, (known[place.node], *others)
    raise UsageError(f"{place.node!r} is no home agent of group {name!r}")
