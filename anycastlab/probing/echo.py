"""ICMP and ICMPv6 echo (RFC 792, RFC 4443), which every host answers without a service."""

from __future__ import annotations

import socket
from struct import Struct

from anycastlab.components.identity_wire import MAGIC
from anycastlab.probing.craft import echo
from anycastlab.probing.dialect import Answer, open_stamping
from anycastlab.probing.filters import only_replies_and_errors
from anycastlab.probing.identify import ECHO_REPLY, ECHO_REPLY_6, identify
from anycastlab.topology.network import Family

_word = Struct("!I").unpack_from


class Echo:
    """Echo requests on a raw socket, which also hears the ICMP errors any probe provokes."""

    port = 0

    def __init__(self, family: Family) -> None:
        self._family: Family = family
        self._protocol = socket.IPPROTO_ICMP if family == 4 else socket.IPPROTO_ICMPV6
        self._head = 20 if family == 4 else 0  # raw IPv4 sockets deliver the IP header
        self._reply = ECHO_REPLY if family == 4 else ECHO_REPLY_6
        template = echo(family)
        self.blank, self.packet, self.load = template.blank, template.fill, template.load

    def open(self, source: str) -> socket.socket:
        """Open a raw ICMP socket."""
        sock = open_stamping(source, self._family, socket.SOCK_RAW, self._protocol)
        only_replies_and_errors(sock, self._family)
        return sock

    def answer(self, data: bytes) -> Answer | None:
        """Read an echo reply, or an error by the packet it quotes."""
        head = self._head
        if data[head] == self._reply:
            if data[head + 8 : head + 16] != MAGIC:
                return None
            return _word(data, head + 4)[0], False, None
        quoted = identify(data[head + 8 :])
        if quoted is None or quoted[0] or not isinstance(quoted[1], int):
            return None
        return quoted[1], True, None
