"""What the lab adds to aioquic's server side: a preferred address, and shared reset tokens.

aioquic's client follows a server's preferred address; its server does not offer one. Both additions
stand in the parameters a server sends with its handshake (RFC 9000, section 18.2).
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable
from typing import Any

from aioquic._buffer import Buffer
from aioquic.quic.connection import QuicConnection, QuicConnectionId
from aioquic.quic.packet import (
    QuicPreferredAddress,
    pull_quic_transport_parameters,
    push_quic_transport_parameters,
)

Endpoint = tuple[str, int]
TokenOf = Callable[[bytes], bytes]
"""The stateless reset token of a connection id, 16 bytes."""
CID_LENGTH = 8
_LARGEST_RESET = 42
_SMALLEST_RESET = 21


def token_from(key: bytes) -> TokenOf:
    """Tokens that everybody who has *key* can compute (RFC 9000, section 10.3.2)."""
    return lambda cid: hmac.new(key, cid, hashlib.sha256).digest()[:16]


def stateless_reset(token: bytes, received: int) -> bytes | None:
    """A reset for whoever sent *received* bytes: less than those, or two servers could reset each
    other for ever (RFC 9000, section 10.3.3); None if that is too little."""
    size = min(_LARGEST_RESET, received - 1)
    if size < _SMALLEST_RESET:
        return None
    noise = os.urandom(size - 16)
    return bytes((0x40 | noise[0] & 0x3F,)) + noise[1:] + token


class ServerConnection(QuicConnection):
    """A connection that may offer another address, and whose reset tokens follow from its ids."""

    def __init__(
        self,
        *,
        preferred: tuple[Endpoint, Endpoint] | None,
        token_of: TokenOf,
        **options: Any,
    ) -> None:
        """*preferred* is the IPv4 and the IPv6 endpoint to offer, if any."""
        super().__init__(**options)
        self._preferred, self._token_of = preferred, token_of
        self._host_cids[0].stateless_reset_token = token_of(self._host_cids[0].cid)

    def _serialize_transport_parameters(self) -> bytes:
        parameters: bytes = super()._serialize_transport_parameters()
        if self._preferred is None:
            return parameters
        read = pull_quic_transport_parameters(Buffer(data=parameters))
        ipv4, ipv6 = self._preferred
        # the id that comes with a preferred address has sequence number 1 (RFC 9000, 5.1.1)
        extra = self._new_id(was_sent=True)
        read.preferred_address = QuicPreferredAddress(
            ipv4, ipv6, extra.cid, extra.stateless_reset_token
        )
        buffer = Buffer(capacity=len(parameters) + 128)
        push_quic_transport_parameters(buffer, read)
        return bytes(buffer.data)

    def _new_id(self, was_sent: bool = False) -> QuicConnectionId:
        cid = os.urandom(CID_LENGTH)
        made = QuicConnectionId(cid, self._host_cid_seq, self._token_of(cid), was_sent)
        self._host_cids.append(made)
        self._host_cid_seq += 1
        return made

    def _replenish_connection_ids(self) -> None:
        while len(self._host_cids) < min(8, self._remote_active_connection_id_limit):
            self._new_id()

    @property
    def ids(self) -> list[bytes]:
        """The ids by which the client may address it now."""
        return [each.cid for each in self._host_cids]
