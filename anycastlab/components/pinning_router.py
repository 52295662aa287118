"""An option-aware router: packets with the pinning option go where their unicast address leads.

The destination stays the service address; only the next hop is that of the way to the address in
the option (see pinning_wire). A router that does not know the option forwards on the destination.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import IPv4Address
from typing import Any, ClassVar

from anycastlab.components import nft
from anycastlab.components.base import Component, Options, Place
from anycastlab.components.pinning_wire import HEAD
from anycastlab.errors import ProgramError
from anycastlab.kernel.netlink import Netlink

TABLE = "pinning-router"
_FIRST = 15_800
"""The mark, the rule's priority and the routing table of the first instance."""
_IPV4_ROUTES = 0x40
"""The multicast group of IPv4 route events (RTMGRP_IPV4_ROUTE)."""


class PinningRouter(Component):
    """Forwards on the pinning option, IPv4."""

    name: ClassVar[str] = "pinning-router"
    serves: ClassVar[bool] = False
    forwards: ClassVar[bool] = True

    def __init__(self) -> None:
        self._place: Place | None = None
        self._events: Netlink | None = None
        self._members: list[IPv4Address] = []
        self._ways: list[str] = []
        self._due = False

    def start(self, place: Place, options: Options) -> None:
        """Load the rules, and follow the routes to all instances from now on."""
        network = place.network
        groups = network.groups.values()
        names = {name for group in groups for name in group.instances}
        self._place = place
        self._members = [network.nodes[name].ipv4 for name in sorted(names)]
        self._ways = [""] * len(self._members)
        services = [str(a) for group in groups for a in group.addresses if a.version == 4]
        nft.load(place, rules(services, self._members))
        commands = [
            f"rule add pref {number} fwmark {number} lookup {number}\n"
            for number, _ in enumerate(self._members, _FIRST)
        ]
        place.program(["ip", "-batch", "-"], "iproute2", "".join(commands))
        self._events = place.netlink(_IPV4_ROUTES)
        self._events.socket.setblocking(False)
        place.watch(self._events.socket, self._changed)
        self._follow()

    def stop(self) -> None:
        """Take the rules away: the option is not looked at any more."""
        place = self._place
        if place is None or self._events is None:
            return
        place.unwatch(self._events.socket)
        self._events.close()
        self._place = self._events = None
        if place.alive:
            nft.remove(place, "ip", TABLE)
            numbers = range(_FIRST, _FIRST + len(self._members))
            commands = "".join(f"rule del pref {n}\nroute flush table {n}\n" for n in numbers)
            place.program(["ip", "-batch", "-"], "iproute2", commands)

    def tell(self) -> Mapping[str, Any]:
        """The way to each instance, and how many packets took it."""
        if self._place is None:
            return {}
        command = ["nft", "-j", "list", "counters", "table", "ip", TABLE]
        listed = json.loads(self._place.program(command, nft.PACKAGE))["nftables"]
        packets = {i["counter"]["name"]: i["counter"]["packets"] for i in listed if "counter" in i}
        return {
            "instances": [
                {"instance": str(member), "way": way, "packets": packets[f"pin{number}"]}
                for number, (member, way) in enumerate(zip(self._members, self._ways, strict=True))
            ]
        }

    def _changed(self, events: Any) -> None:
        with suppress(OSError):  # nothing more waits, or some was lost: look at all routes anyway
            while events.recv(1 << 16):
                pass
        if not self._due and self._place is not None:
            self._due = True
            self._place.after(0.0, self._follow)

    def _follow(self) -> None:
        """Give each instance's table the next hop the main one has towards it now."""
        self._due = False
        place = self._place
        if place is None or not place.alive:
            return
        ways = [_way(place, member) for member in self._members]
        commands = []
        for number, (old, new) in enumerate(zip(self._ways, ways, strict=True), _FIRST):
            if new != old:
                put = f"route replace default {new} table {number}\n"
                commands.append(put if new else f"route flush table {number}\n")
        self._ways = ways
        if commands:
            with suppress(ProgramError):  # an interface has gone meanwhile: the next event tells
                place.program(["ip", "-force", "-batch", "-"], "iproute2", "".join(commands))


def _way(place: Place, member: IPv4Address) -> str:
    """The next hop towards an instance as iproute2 writes it, '' when there is none now."""
    try:
        printed = place.program(["ip", "-j", "route", "get", str(member)], "iproute2")
    except ProgramError:  # unreachable
        return ""
    (found,) = json.loads(printed)
    gateway = f"via {found['gateway']} " if "gateway" in found else ""
    return f"{gateway}dev {found['dev']}"


def rules(services: list[str], members: list[IPv4Address]) -> str:
    """Marks each packet to a service address by the address in its option, its first one."""
    every, head = ", ".join(services), int.from_bytes(HEAD, "big")
    lines = [f"table ip {TABLE} {{"]
    lines += [f"counter pin{number} {{\n}}" for number, _ in enumerate(members)]
    lines += ["chain incoming {", "type filter hook prerouting priority mangle; policy accept;"]
    for number, member in enumerate(members):
        lines += [
            f"ip daddr {{ {every} }} @nh,160,32 {head:#010x} @nh,192,32 {int(member):#010x} "
            f"meta mark set {_FIRST + number} counter name pin{number}"
        ]
    return "\n".join([*lines, "}", "}", ""])
