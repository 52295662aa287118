"""The ends of the pinning option, under unmodified applications, IPv4 only (see pinning_wire).

A server's SYN-ACK carries its unicast address; from then on the client puts that into every packet
of the connection, whose destination stays the service address. Linux cannot add IP options to what
others send, so those packets pass through a TUN device and this program.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import IPv4Address
from typing import Any, ClassVar

from pydantic import Field

from anycastlab.components import nft
from anycastlab.components.base import Component, Options, Place, Socket
from anycastlab.components.pinning_errors import TooBigRelay
from anycastlab.components.pinning_wire import LENGTH, pin_of, pinned
from anycastlab.kernel.bpf import Program, assemble, equal, here, keep, load_byte, mask
from anycastlab.kernel.packet import HOST, Tap
from anycastlab.kernel.tun import Tun

TABLE, DEVICE = "pinning-endpoint", "pin0"
_INTO, _DONE, _ROUTES = 158, 159, 158
"""Firewall marks of what goes into the device and what comes out of it; the routing table."""
_TCP, _SYN, _ACK = 6, 2, 16
_SO_MARK = 36
_IP_MTU_DISCOVER, _IP_PMTUDISC_PROBE = 10, 3
_KEPT = 128
_BUFFER = 1 << 20
_AT_ONCE = 256
Key = tuple[bytes, bytes]
"""A service address, and the four bytes of both ports as the client sends them."""


class EndpointOptions(Options):
    """How many connections."""

    most: int = Field(65536, ge=1, le=1 << 20, description="Connections that are remembered.")


class PinningEndpoint(Component):
    """Adds the option to SYN-ACKs on a server, and to all that follows on a client."""

    name: ClassVar[str] = "pinning-endpoint"
    serves: ClassVar[bool] = False
    options: ClassVar[type[Options]] = EndpointOptions

    def __init__(self) -> None:
        self._place: Place | None = None
        self._most = 0
        self._tun: Tun | None = None
        self._tap: Tap | None = None
        self._out: Socket | None = None
        self._errors: TooBigRelay | None = None
        self._own: IPv4Address | None = None
        self._known: frozenset[IPv4Address] = frozenset()
        self._pins: dict[Key, IPv4Address | None] = {}
        self._counts = {"pinned_packets": 0, "refused_options": 0}

    def start(self, place: Place, options: Options) -> None:
        """Make the device, and lead packets of service addresses through it."""
        assert isinstance(options, EndpointOptions)
        self._place, self._most = place, options.most
        network = place.network
        serves = any(place.node in group.instances for group in network.groups.values())
        self._own = network.nodes[place.node].ipv4 if serves else None
        self._known = frozenset(node.ipv4 for node in network.nodes.values())
        groups = network.groups.values()
        services = [str(a) for group in groups for a in group.addresses if a.version == 4]
        with place.inside():
            self._tun = Tun(DEVICE)
        place.program(["ip", "-batch", "-"], "iproute2", _ROUTING)
        nft.load(place, rules(services, serves))
        self._out = place.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self._out.setsockopt(socket.SOL_SOCKET, _SO_MARK, _DONE)
        # the kernel has learnt the device's smaller MTU for the service: it leaves room for this
        self._out.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _IP_PMTUDISC_PROBE)
        self._errors = TooBigRelay(place)
        packets = place.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
        self._tap = Tap(packets, _with_options(), keep=_KEPT, buffer=_BUFFER)
        place.watch(self._tap, self._came_in)
        place.watch(self._tun, self._goes_out)

    def stop(self) -> None:
        """Take rules and device away: what is pinned goes where its packets lead from now on."""
        place = self._place
        if place is None:
            return
        for watched in (self._tap, self._tun):
            if watched is not None:
                place.unwatch(watched)
                watched.close()
        for other in (self._out, self._errors):
            if other is not None:
                other.close()
        if place.alive:
            nft.remove(place, "ip", TABLE)
            place.program(["ip", "-batch", "-"], "iproute2", _UNDO)
        self._place = self._tap = self._tun = self._out = self._errors = None
        self._pins = {}

    def tell(self) -> Mapping[str, Any]:
        """The connections it knows, and how many packets carried the option."""
        pins = [
            {
                "service": socket.inet_ntoa(service),
                "local_port": int.from_bytes(ports[:2], "big"),
                "port": int.from_bytes(ports[2:], "big"),
                "instance": str(unicast),
            }
            for (service, ports), unicast in self._pins.items()
            if unicast is not None
        ]
        relayed = self._errors.relayed if self._errors else 0
        return {"pins": pins, **self._counts, "icmp_errors_relayed": relayed}

    def _came_in(self, tap: Tap) -> None:
        """Learn from the options of SYN-ACKs."""
        for record in tap.read():
            packet = record[8]
            if record[3] == HOST and self._own is None:
                self._learn(packet, (packet[0] & 15) * 4)

    def _learn(self, packet: bytes, at: int) -> None:
        flags, ports = packet[at + 13], packet[at + 2 : at + 4] + packet[at : at + 2]
        key = packet[12:16], ports
        if packet[9] != _TCP or flags & (_SYN | _ACK) != _SYN | _ACK or key not in self._pins:
            return
        unicast = pin_of(packet)
        if unicast is None or unicast not in self._known:
            self._counts["refused_options"] += 1
        else:
            self._pins[key] = unicast

    def _goes_out(self, tun: Tun) -> None:
        """Send on what was led into the device, with the option where it is due."""
        assert self._tap is not None
        self._came_in(self._tap)  # an answer to a SYN-ACK must not overtake what it taught
        for _ in range(_AT_ONCE):
            packet = tun.read()
            if packet is None:
                return
            if packet[0] >> 4 == 4:
                self._send(self._with_pin(packet), packet[16:20])

    def _with_pin(self, packet: bytes) -> bytes:
        at = (packet[0] & 15) * 4
        if packet[9] != _TCP or len(packet) < at + 14:
            return packet
        unicast = self._own
        if unicast is None:
            key = packet[16:20], packet[at : at + 4]
            if packet[at + 13] & (_SYN | _ACK) == _SYN:
                self._remember(key)
            unicast = self._pins.get(key)
        if unicast is None:
            return packet
        self._counts["pinned_packets"] += 1
        return pinned(packet, unicast)

    def _remember(self, key: Key) -> None:
        """A connection begins; one that never came about is forgotten if there are too many."""
        self._pins.pop(key, None)
        while len(self._pins) >= self._most:
            half_open = next((k for k, pin in self._pins.items() if pin is None), None)
            del self._pins[half_open if half_open is not None else next(iter(self._pins))]
        self._pins[key] = None

    def _send(self, packet: bytes, to: bytes) -> None:
        assert self._out is not None
        with suppress(OSError):  # no route now, or too large: lost, as on any network
            self._out.sendto(packet, (socket.inet_ntoa(to), 0))


_ROUTING = f"""\
link set {DEVICE} up mtu {1500 - LENGTH}
route add default dev {DEVICE} table {_ROUTES}
rule add pref {_ROUTES} fwmark {_INTO} lookup {_ROUTES}
"""
_UNDO = f"rule del pref {_ROUTES}\n"


def rules(services: list[str], serves: bool) -> str:
    """What is led into the device: a server's SYN-ACKs, all a client sends to service addresses."""
    every = ", ".join(services)
    if serves:
        which = f"ip saddr {{ {every} }} tcp flags & (syn|ack) == syn|ack"
    else:
        which = f"ip daddr {{ {every} }} meta l4proto tcp"
    return f"""\
table ip {TABLE} {{
chain outgoing {{
type route hook output priority mangle; policy accept;
meta mark != {_DONE} {which} meta mark set {_INTO}
}}
}}
"""


def _with_options() -> Program:
    """IPv4 packets whose header has options."""
    return assemble(
        load_byte(0),
        mask(0xF0),
        equal(0x40, otherwise="drop"),
        load_byte(0),
        equal(0x45, then="drop"),
        keep(_KEPT),
        here("drop"),
        keep(0),
    )
