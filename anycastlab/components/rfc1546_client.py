"""The client's half of RFC 1546's hand-over, under unmodified applications.

A SYN to a service address leaves as it is. The SYN-ACK may come from any address with the right
ports; who sent it is bound to the connection, which on the wire is with that address from then on.
The application's socket still says the service address. A binding is found by the local port and
the service's port, for each service address apart; the ports alone decide between two connections
that are opened at the same moment.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any, ClassVar

from pydantic import Field

from anycastlab.components import nft
from anycastlab.components.base import Component, Options, Place
from anycastlab.components.rfc1546_errors import ErrorRelay
from anycastlab.topology.network import Address

TABLE = "rfc1546-client"
_LISTED_FOR = 0.05
"""Seconds before the kernel's table is listed again: errors may come in floods."""
_OPENING = "5s"
"""Longer than any round trip; a SYN that is sent again begins anew."""


class ClientOptions(Options):
    """How many connections, and how long a binding outlives its last packet."""

    most: int = Field(65536, ge=1, le=1 << 20, description="Bindings of each service address.")
    idle: int = Field(3600, ge=1, le=86400, description="Seconds a silent binding is kept.")


class Rfc1546Client(Component):
    """Binds each TCP connection to the instance that answered its SYN."""

    name: ClassVar[str] = "rfc1546-client"
    serves: ClassVar[bool] = False
    options: ClassVar[type[Options]] = ClientOptions

    def __init__(self) -> None:
        self._place: Place | None = None
        self._services: dict[nft.Family, list[Address]] = {}
        self._relay: ErrorRelay | None = None
        self._known: dict[tuple[str, int, int], str] = {}
        self._read_at = 0.0

    def start(self, place: Place, options: Options) -> None:
        """Load the rules, one table for each family."""
        assert isinstance(options, ClientOptions)
        self._place = place
        for group in place.network.groups.values():
            for address in group.addresses:
                self._services.setdefault(nft.family_of(address), []).append(address)
        for family, services in self._services.items():
            nft.load(place, rules(family, services, options))
        self._relay = ErrorRelay(place, self._bound)

    def stop(self) -> None:
        """Take the rules away: what is bound ends by a reset of the next instance it reaches."""
        if self._relay is not None:
            self._relay.close()
        if self._place is not None and self._place.alive:
            for family in self._services:
                nft.remove(self._place, family, TABLE)
        self._services = {}

    def tell(self) -> Mapping[str, Any]:
        """The binding table: service address, local port, service's port, instance's address."""
        relayed = self._relay.relayed if self._relay is not None else 0
        return {"bindings": list(self._bindings()), "icmp_errors_relayed": relayed}

    def _bound(self, instance: Address, here: int, there: int) -> Address | None:
        """The service address of a connection bound to *instance*."""
        if time.monotonic() - self._read_at > _LISTED_FOR:
            self._known = {
                (one["instance"], one["local_port"], one["port"]): one["service"]
                for one in self._bindings()
            }
            self._read_at = time.monotonic()
        service = self._known.get((str(instance), here, there))
        return None if service is None else ip_address(service)

    def _bindings(self) -> Iterator[dict[str, Any]]:
        if self._place is None:
            return
        for family, services in self._services.items():
            for number, service in enumerate(services):
                for key, unicast in nft.elements(self._place, family, TABLE, f"bound{number}"):
                    here, there = (key.get("elem", {}).get("val") or key)["concat"]
                    yield {
                        "service": str(service),
                        "local_port": here,
                        "port": there,
                        "instance": unicast,
                    }


def rules(family: nft.Family, services: list[Address], options: ClientOptions) -> str:
    """The table of one family."""
    kind = nft.type_of(family)
    ports = "inet_service . inet_service"
    keep = f"flags dynamic,timeout; size {options.most};"
    lines = [f"table {family} {TABLE} {{"]
    for number, _ in enumerate(services):
        lines += [
            *(f"set opening{number} {{", f"type {ports};", keep, f"timeout {_OPENING};", "}"),
            *(f"map bound{number} {{", f"type {ports} : {kind};", keep),
            *(f"timeout {options.idle}s;", "}"),
            *(f"set peers{number} {{", f"type {kind} . {ports};", keep),
            *(f"timeout {options.idle}s;", "}"),
        ]
    lines += ["chain outgoing {", "type route hook output priority mangle; policy accept;"]
    for number, service in enumerate(services):
        lines += _outgoing(family, number, service)
    lines += ["}", "chain incoming {", "type filter hook prerouting priority raw; policy accept;"]
    for number, service in enumerate(services):
        lines += _incoming(family, number, service)
    return "\n".join([*lines, "}", "}", ""])


_SYN, _SYN_ACK = "tcp flags & (syn|ack) == syn", "tcp flags & (syn|ack) == syn|ack"
_HERE_THERE, _THERE_HERE = "tcp sport . tcp dport", "tcp dport . tcp sport"


def _outgoing(family: nft.Family, number: int, service: Address) -> list[str]:
    nothing = "0.0.0.0" if family == "ip" else "::"
    to_service = f"{family} daddr {service}"
    renewed = f"update @peers{number} {{ {family} daddr . {_HERE_THERE} }}"
    return [
        # a port used again, for a connection with the instance itself, is bound no more
        f"{family} daddr != {service} {_SYN} delete @peers{number} "
        f"{{ {family} daddr . {_HERE_THERE} }}",
        f"{to_service} {_SYN} delete @bound{number} {{ {_HERE_THERE} : {nothing} }}",
        f"{to_service} {_SYN} update @opening{number} {{ {_HERE_THERE} }} accept",
        f"{to_service} meta l4proto tcp {family} daddr set {_HERE_THERE} map @bound{number} "
        f"update @bound{number} {{ {_HERE_THERE} : {family} daddr }} {renewed}",
    ]


def _incoming(family: nft.Family, number: int, service: Address) -> list[str]:
    opening = f"{_SYN_ACK} {_THERE_HERE} @opening{number} {family} saddr != {service}"
    return [
        f"{opening} add @bound{number} {{ {_THERE_HERE} : {family} saddr }}"
        f" add @peers{number} {{ {family} saddr . {_THERE_HERE} }}"
        f" delete @opening{number} {{ {_THERE_HERE} }}",
        f"{family} saddr . {_THERE_HERE} @peers{number} {family} saddr set {service}",
    ]
