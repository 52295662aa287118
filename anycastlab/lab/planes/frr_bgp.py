"""FRR's bgpd: an AS of its own for every node, sessions over the addresses of the links."""

from __future__ import annotations

from collections.abc import Iterator

from anycastlab.lab.planes.frr_common import BFD_PROFILE, FAMILIES, HOSTS, NOTHING, lists
from anycastlab.lab.planes.speakers import Neighbour, Speaker
from anycastlab.topology.network import Address
from anycastlab.topology.routing_models import BgpOptions


def bgpd(speaker: Speaker, options: BgpOptions) -> Iterator[str]:
    """Yield bgpd's configuration; like the rest of FRR it takes its routes from zebra."""
    for family in FAMILIES:
        yield from lists(speaker, family)
    yield f"router bgp {speaker.asn}"
    yield f" bgp router-id {speaker.node.ipv4}"
    # without these it tells nothing (RFC 8212), and takes but one of several equally long paths
    yield " no bgp ebgp-requires-policy\n bgp bestpath as-path multipath-relax"
    yield " no bgp default ipv4-unicast"
    for family in FAMILIES:
        for far in _neighbours(speaker):
            yield from _neighbour(_address(far, family), far, options)
    for family in FAMILIES:
        yield from _family(speaker, family)


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
    own = "" if speaker.node.forwards else f" route-map {HOSTS}{family}"
    yield f" address-family ipv{family} unicast"
    yield f"  redistribute connected{own}\n  redistribute static\n  maximum-paths 64"
    for far in _neighbours(speaker):
        neighbour = f"  neighbor {_address(far, family)}"
        yield f"{neighbour} activate"
        if not speaker.node.forwards:
            yield f"{neighbour} route-map {NOTHING} in"
    yield " exit-address-family"
