"""A QUIC service that echoes, or answers HTTP/3, and can offer the instance's unicast address.

The preferred address of RFC 9000, section 9.6, is RFC 1546's hand-over made standard: the
handshake reaches the nearest instance at the service address; then the client moves to the
instance's own, and no shift of the catchment matters any more. An instance that gets packets of a
connection it does not know can only reset it, if it has the key the tokens are made of (section
10.3), or stay silent.
"""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from anycastlab.components.base import Component, Options, Place, Socket, Timer
from anycastlab.errors import ProgramError

if TYPE_CHECKING:
    from aioquic.quic.configuration import QuicConfiguration

    from anycastlab.components.http3 import Http3
    from anycastlab.components.quic_connection import ServerConnection

PORT = 4433
ALPN = "anycastlab-echo"
_LARGEST = 2048
_AT_ONCE = 256
_AT_MOST = 4096
"""Connections at a time; no more are accepted."""


class QuicOptions(Options):
    """Where it listens, and what it offers."""

    port: int = Field(PORT, ge=1, le=65535, description="The UDP port.")
    preferred_address: bool = Field(
        True, alias="preferred-address", description="Offer the instance's own address."
    )
    reset: Literal["shared", "none"] = Field(
        "shared", description="What becomes of unknown connections: reset by a shared key, or not."
    )

    def claims(self) -> Iterable[str]:
        """The port."""
        return (f"UDP port {self.port}",)


class _Peer:
    """A connection, the socket its client spoke to last, and when it wants to be woken."""

    def __init__(self, connection: ServerConnection, sock: Socket) -> None:
        self.connection, self.socket = connection, sock
        self.timer: Timer | None = None
        self.heard = False
        self.http: Http3 | None = None


class Quic(Component):
    """Serves QUIC on the service addresses and on the node's own."""

    name: ClassVar[str] = "quic"
    options: ClassVar[type[Options]] = QuicOptions

    def __init__(self) -> None:
        self._place: Place | None = None
        self._wanted = QuicOptions()
        self._configuration: QuicConfiguration | None = None
        self._sockets: dict[Socket, str] = {}
        self._peers: dict[bytes, _Peer] = {}
        self._datagrams: Counter[str] = Counter()
        self._counts = {"connections": 0, "resets": 0, "unknown": 0}
        self._key = b""

    def start(self, place: Place, options: Options) -> None:
        """Listen. Raises ProgramError when aioquic is not installed."""
        assert isinstance(options, QuicOptions)
        self._configuration = _configuration(place.node)
        self._place, self._wanted = place, options
        self._key = place.network.name.encode()
        node = place.network.nodes[place.node]
        services = [
            address
            for group in place.network.groups.values()
            if place.node in group.instances
            for address in group.addresses
        ]
        for address in (node.ipv4, node.ipv6, *services):
            family = socket.AF_INET if address.version == 4 else socket.AF_INET6
            listener = place.socket(family, socket.SOCK_DGRAM)
            listener.setblocking(False)
            listener.bind((str(address), options.port))
            place.watch(listener, self._ready)
            self._sockets[listener] = str(address)

    def stop(self) -> None:
        """Forget all connections, without a word to their clients."""
        for peer in self._peers.values():
            if peer.timer is not None:
                peer.timer.cancel()
        for listener in self._sockets:
            if self._place is not None:
                self._place.unwatch(listener)
            listener.close()
        self._sockets, self._peers = {}, {}

    def tell(self) -> Mapping[str, Any]:
        """Connections, resets, packets of unknown connections, datagrams by where they came to."""
        return {**self._counts, "datagrams": dict(self._datagrams)}

    def _ready(self, listener: Socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                data, sender = listener.recvfrom(_LARGEST)
            except OSError:
                return
            self._datagrams[self._sockets[listener]] += 1
            self._received(listener, data, sender)

    def _received(self, listener: Socket, data: bytes, sender: tuple[str, int]) -> None:
        from aioquic._buffer import Buffer
        from aioquic.quic.packet import QuicPacketType, pull_quic_header

        from anycastlab.components.quic_connection import CID_LENGTH

        try:
            header = pull_quic_header(Buffer(data=data), host_cid_length=CID_LENGTH)
        except ValueError:
            return
        cid, initial = header.destination_cid, header.packet_type == QuicPacketType.INITIAL
        peer = self._peers.get(cid)
        if peer is None and initial and len(data) >= 1200 and len(self._peers) < _AT_MOST * 8:
            peer = self._accept(listener, cid)
        if peer is None:
            self._unknown(listener, data, cid, sender, short=header.version is None)
            return
        peer.socket = listener
        peer.connection.receive_datagram(data, sender[:2], time.monotonic())
        self._go_on(peer)

    def _accept(self, listener: Socket, cid: bytes) -> _Peer:
        from anycastlab.components.quic_connection import ServerConnection, token_from

        assert self._place is not None
        node, port = self._place.network.nodes[self._place.node], self._wanted.port
        offered = (str(node.ipv4), port), (str(node.ipv6), port)
        connection = ServerConnection(
            preferred=offered if self._wanted.preferred_address else None,
            token_of=token_from(self._key),
            configuration=self._configuration,
            original_destination_connection_id=cid,
        )
        self._counts["connections"] += 1
        peer = self._peers[cid] = _Peer(connection, listener)
        return peer

    def _unknown(
        self, listener: Socket, data: bytes, cid: bytes, sender: tuple[str, int], short: bool
    ) -> None:
        from anycastlab.components.quic_connection import stateless_reset, token_from

        self._counts["unknown"] += 1
        if short and self._wanted.reset == "shared":
            reset = stateless_reset(token_from(self._key)(cid), len(data))
            if reset is not None:
                self._counts["resets"] += 1
                listener.sendto(reset, sender)

    def _go_on(self, peer: _Peer) -> None:
        """Act on what a connection says, send what it has to send, wake it when it wants."""
        from aioquic.quic.events import (
            ConnectionTerminated,
            ProtocolNegotiated,
            StreamDataReceived,
        )

        over = False
        while (event := peer.connection.next_event()) is not None:
            if isinstance(event, ProtocolNegotiated) and event.alpn_protocol != ALPN:
                peer.http = self._http3(peer)
            if peer.http is not None:
                peer.http.hear(event)
            elif isinstance(event, StreamDataReceived) and event.data:
                self._answer(peer, event.stream_id, event.data)
            over = over or isinstance(event, ConnectionTerminated)
        self._send(peer)
        if over:
            self._peers = {cid: one for cid, one in self._peers.items() if one is not peer}
            return
        for cid in peer.connection.ids:
            self._peers[cid] = peer

    def _http3(self, peer: _Peer) -> Http3:
        from anycastlab.components.http3 import Http3

        assert self._place is not None
        return Http3(peer.connection, self._place.node)

    def _answer(self, peer: _Peer, stream: int, data: bytes) -> None:
        assert self._place is not None
        name = b"" if peer.heard else self._place.node.encode() + b"\n"
        peer.heard = True
        peer.connection.send_stream_data(stream, name + data)

    def _send(self, peer: _Peer) -> None:
        assert self._place is not None
        for data, receiver in peer.connection.datagrams_to_send(time.monotonic()):
            try:
                peer.socket.sendto(data, receiver)
            except OSError:  # no way there now: lost, as on any network
                continue
        if peer.timer is not None:
            peer.timer.cancel()
        due = peer.connection.get_timer()
        if due is not None:
            wait = max(0.0, due - time.monotonic())
            peer.timer = self._place.after(wait, lambda: self._woken(peer))

    def _woken(self, peer: _Peer) -> None:
        peer.connection.handle_timer(time.monotonic())
        self._go_on(peer)


def _configuration(node: str) -> QuicConfiguration:
    """What a server needs: the protocol's name, and a certificate of its own making."""
    try:
        from aioquic.quic.configuration import QuicConfiguration
    except ModuleNotFoundError:
        raise ProgramError("aioquic is not installed", "pip install 'anycastlab[quic]'") from None
    from anycastlab.components.http3 import H3_ALPN
    from anycastlab.components.quic_certificate import self_signed

    configuration = QuicConfiguration(is_client=False, alpn_protocols=[ALPN, *H3_ALPN])
    configuration.certificate, configuration.private_key = self_signed(node)
    return configuration
