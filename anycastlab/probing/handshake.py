"""Half a TCP handshake (RFC 9293 section 3.5): a crafted SYN, answered by SYN-ACK or RST.

The client's kernel knows nothing of the SYN and resets what the server then holds half open, so
nothing lasts on either side and no session is needed: for maps of many thousand probes.
"""

from __future__ import annotations

import socket
from struct import Struct

from anycastlab.probing.craft import syn
from anycastlab.probing.dialect import Answer, open_stamping
from anycastlab.probing.filters import only_answers_to_syns
from anycastlab.probing.identify import ACK
from anycastlab.topology.network import Family

_word = Struct("!I").unpack_from


class Handshake:
    """SYNs on a raw TCP socket."""

    port = 0

    def __init__(self, family: Family) -> None:
        self._family: Family = family
        self._head = 20 if family == 4 else 0
        template = syn(family)
        self.blank, self.packet, self.load = template.blank, template.fill, template.load

    def open(self, source: str) -> socket.socket:
        """Open a raw TCP socket."""
        sock = open_stamping(source, self._family, socket.SOCK_RAW, socket.IPPROTO_TCP)
        only_answers_to_syns(sock, self._family)
        return sock

    def answer(self, data: bytes) -> Answer | None:
        """Read a SYN-ACK or RST: it acknowledges the id, plus one for the SYN."""
        head = self._head
        if not data[head + 13] & ACK:
            return None
        return _word(data, head + 8)[0] - 1 & 0xFFFFFFFF, False, None
