"""A real TCP session of the client's kernel with the identity service.

A SYN the kernel sends again is another packet, not a copy made by the network: copies are told
apart by their header, in which a retransmission carries a later RFC 7323 time stamp. (With
net.ipv4.tcp_timestamps=0 in the client the two look alike, and a retransmission counts as a copy.)
"""

from __future__ import annotations

import socket
import struct
import time

from anycastlab.components.identity_wire import IDENTITY_PORT
from anycastlab.kernel.error_queue import forget_errors
from anycastlab.probing.identify import Flow
from anycastlab.probing.ledger import REFUSED, Ledger
from anycastlab.probing.plan import Target, address_family
from anycastlab.topology.network import Address, Family

_RTT_AT = 68  # tcpi_rtt in struct tcp_info, in microseconds
_LONGEST_NAME = 256
_ABORT = struct.pack("ii", 1, 0)  # SO_LINGER: no orphan is left to hold a namespace


class Session:
    """One probe: connect, read the instance's name, abort.

    It is made in the client's namespace; *source* is its address.
    """

    def __init__(
        self, family: Family, source: Address, number: int, target: Target, ledger: Ledger
    ) -> None:
        self._probe, self._number, self._ledger = ledger.first + number, number, ledger
        self._heard = b""
        self.settled = False
        self._socket, flow = self._bind(family, str(source), source.packed + target.packed)
        ledger.flows[flow] = number
        self.started = time.monotonic()
        try:
            self._socket.connect((target.address, IDENTITY_PORT))
        except BlockingIOError:
            pass
        except OSError:  # no route
            self._finish()

    def _bind(self, family: Family, source: str, addresses: bytes) -> tuple[socket.socket, Flow]:
        """Open a socket on a port no session of this pass has used to the same address."""
        while True:
            sock = socket.socket(address_family(family), socket.SOCK_STREAM)
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
            sock.bind((source, 0))
            flow = addresses + struct.pack("!H", sock.getsockname()[1])
            if flow not in self._ledger.flows:
                return sock, flow
            sock.close()

    def collect(self) -> None:
        """Read what the service has said by now."""
        try:
            said = self._socket.recv(_LONGEST_NAME)
        except BlockingIOError:
            forget_errors(self._socket)
            return
        except OSError:  # refused, unreachable or reset
            said = b""
        self._heard += said
        name, newline, _ = self._heard.partition(b"\n")
        if newline:
            self._answered(name.decode(errors="replace"))
        if newline or not said or len(self._heard) >= _LONGEST_NAME:
            self._finish()

    def _answered(self, name: str) -> None:
        """Note the name, and the round trip of the handshake as the kernel measured it."""
        info = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _RTT_AT + 4)
        self._ledger.rtts[self._number] = struct.unpack_from("I", info, _RTT_AT)[0] / 1e6
        self._ledger.note(self._probe, time.time_ns(), name)

    def _finish(self) -> None:
        """Expect nothing more: no answer, unless one was noted already."""
        self.settled = True
        self._ledger.note(self._probe, REFUSED)

    def filenos(self) -> list[int]:
        """The descriptor, for polling."""
        return [self._socket.fileno()]

    def check(self) -> None:
        """TCP loses nothing silently."""

    def close(self) -> None:
        """Abort the connection."""
        self._socket.close()
