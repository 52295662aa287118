"""HTTP/3, between two connections that hand each other their datagrams."""

from __future__ import annotations

import ssl
import time

import pytest
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection

from anycastlab.components.http3 import Http3
from anycastlab.components.quic_certificate import self_signed

SERVER = ("192.0.2.1", 443)


class Pair:
    """A client and a server; all that one has to say the other hears at once."""

    def __init__(self) -> None:
        asking = QuicConfiguration(alpn_protocols=H3_ALPN, verify_mode=ssl.CERT_NONE)
        self.client = QuicConnection(configuration=asking)
        answering = QuicConfiguration(is_client=False, alpn_protocols=H3_ALPN)
        answering.certificate, answering.private_key = self_signed("s1")
        self.client.connect(SERVER, now=time.monotonic())
        self.server = QuicConnection(
            configuration=answering,
            original_destination_connection_id=self.client.original_destination_connection_id,
        )
        self.exchange()
        self.asked, self.answers = H3Connection(self.client), Http3(self.server, "s1")

    def exchange(self) -> None:
        """Until both have nothing more to say."""
        talking = True
        while talking:
            talking = False
            for one, other in ((self.client, self.server), (self.server, self.client)):
                for data, _ in one.datagrams_to_send(time.monotonic()):
                    other.receive_datagram(data, SERVER, time.monotonic())
                    talking = True

    def get(self, path: str) -> tuple[dict[bytes, bytes], bytes]:
        """The headers and the body of an answer."""
        asked = {":method": "GET", ":scheme": "https", ":authority": "a", ":path": path}
        headers = [(name.encode(), value.encode()) for name, value in asked.items()]
        self.asked.send_headers(self.client.get_next_available_stream_id(), headers, True)
        told, body = dict[bytes, bytes](), b""
        for _ in range(100):
            self.exchange()
            while (event := self.server.next_event()) is not None:
                self.answers.hear(event)
            while (event := self.client.next_event()) is not None:
                for heard in self.asked.handle_event(event):
                    told |= dict(heard.headers) if isinstance(heard, HeadersReceived) else {}
                    body += heard.data if isinstance(heard, DataReceived) else b""
                    if isinstance(heard, DataReceived) and heard.stream_ended:
                        return told, body
        raise AssertionError("no answer")


@pytest.mark.parametrize("size", [1, 300_000])
def test_as_many_bytes_are_answered_as_are_asked_for(size: int) -> None:
    headers, body = Pair().get(f"/bytes/{size}")
    assert headers[b"content-length"] == str(size).encode()
    assert body == (bytes(range(256)) * (size // 256 + 1))[:size]


@pytest.mark.parametrize("path", ["/", "/bytes/9999999999", "/bytes/x"])
def test_all_else_is_answered_with_the_name(path: str) -> None:
    headers, body = Pair().get(path)
    assert headers[b":status"] == b"200"
    assert body == b"s1\n"
