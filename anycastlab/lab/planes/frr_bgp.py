"""FRR's bgpd: an AS of its own for every node, sessions over the addresses of the links.

A service address is a `network` of its own: taking that away withdraws it at once.
"""

from __future__ import annotations

from collections.abc import Iterator

from anycastlab.lab.planes.frr_common import (
    BFD_PROFILE,
    FAMILIES,
    NOTHING,
    TOLD,
    all_but,
    lists,
    only,
)
from anycastlab.lab.planes.speakers import Neighbour, Speaker
from anycastlab.topology.network import Address
from anycastlab.topology.routing_models import BgpOptions


def bgpd(speaker: Speaker, options: BgpOptions) -> Iterator[str]:
    """Yield bgpd's configuration."""
    for family in FAMILIES:
        forwards = speaker.node.forwards
        told = all_but(_held(speaker), family) if forwards else only(speaker.own, family)
        yield from lists(family, told)
    yield f"router bgp {speaker.asn}"
    yield f" bgp router-id {speaker.node.ipv4}"
    # without these it tells nothing (RFC 8212), and takes but one of several equally long paths
    yield " no bgp ebgp-requires-policy\n bgp bestpath as-path multipath-relax"
    yield " no bgp default ipv4-unicast\n no bgp network import-check"
    for family in FAMILIES:
        for far in _neighbours(speaker):
            yield from _neighbour(_address(far, family), far, options)
    for family in FAMILIES:
        yield from _family(speaker, family)


def bgpd_changes(speaker: Speaker) -> Iterator[str]:
    """Yield what brings a running bgpd to the services announced now."""
    yield f"router bgp {speaker.asn}"
    for family in FAMILIES:
        yield f"address-family ipv{family} unicast"
        yield from _networks(speaker, family)
        yield "exit-address-family"
    yield "exit"


def _held(speaker: Speaker) -> tuple[Address, ...]:
    return *speaker.services, *speaker.withdrawn


def _neighbours(speaker: Speaker) -> Iterator[Neighbour]:
    for port in speaker.ports:
        yield from port.neighbours


def _address(far: Neighbour, family: int) -> Address:
    return far.interface.ipv4.ip if family == 4 else far.interface.ipv6.ip


def _neighbour(address: Address, far: Neighbour, options: BgpOptions) -> Iterator[str]:
    neighbour, timers = f" neighbor {address}", options.timers
    yield f"{neighbour} remote-as {far.asn}"
    if timers.hold is not None and timers.keepalive is not None:
        yield f"{neighbour} timers {int(timers.keepalive)} {int(timers.hold)}"
    if timers.connect is not None:
        yield f"{neighbour} timers connect {int(timers.connect)}"
    if options.bfd:
        yield f"{neighbour} bfd profile {BFD_PROFILE}"


def _family(speaker: Speaker, family: int) -> Iterator[str]:
    yield f" address-family ipv{family} unicast"
    yield f"  redistribute connected route-map {TOLD}{family}"
    yield "  redistribute static\n  maximum-paths 64"
    yield from _networks(speaker, family)
    for far in _neighbours(speaker):
        neighbour = f"  neighbor {_address(far, family)}"
        yield f"{neighbour} activate"
        if not speaker.node.forwards:
            yield f"{neighbour} route-map {NOTHING}{family} in"
    yield " exit-address-family"


def _networks(speaker: Speaker, family: int) -> Iterator[str]:
    for one in _held(speaker):
        if one.version == family:
            negation = "no " if one in speaker.withdrawn else ""
            yield f"{negation}network {one}/{one.max_prefixlen}"
