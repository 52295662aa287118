"""The configuration of FRR in one node: one text for each of its daemons. Pure.

As with BIRD, routers tell all and learn all; a host tells its own addresses and the service
addresses it holds, and learns nothing: its way back is a static default.
"""

from __future__ import annotations

from collections.abc import Iterator

from anycastlab.lab.planes.frr_bgp import bgpd, bgpd_changes
from anycastlab.lab.planes.frr_common import BFD_PROFILE, NOTHING
from anycastlab.lab.planes.frr_ospf import ospf, ospf_changes
from anycastlab.lab.planes.frr_rip import rip, rip_changes
from anycastlab.lab.planes.speakers import Speaker
from anycastlab.topology.routing_models import (
    Bfd,
    BgpOptions,
    OspfOptions,
    RipOptions,
    RoutingOptions,
)

RUN = "/run/frr"
"""Where FRR's daemons have their files."""
PLACE = "frr"
"""The directory, below a node's own, which its daemons see there."""


def configs(speaker: Speaker, options: RoutingOptions) -> dict[str, str]:
    """Return each daemon's configuration by the daemon's name; zebra's comes first."""
    speaking: dict[str, Iterator[str]]
    if isinstance(options, BgpOptions):
        sources, speaking = ("bgp", "bgp"), {"bgpd": bgpd(speaker, options)}
    elif isinstance(options, OspfOptions):
        sources = "ospf", "ospf6"
        speaking = {"ospfd": ospf(speaker, options, 4), "ospf6d": ospf(speaker, options, 6)}
    else:
        assert isinstance(options, RipOptions)
        sources = "rip", "ripng"
        speaking = {"ripd": rip(speaker, options, 4), "ripngd": rip(speaker, options, 6)}
    found = {"zebra": _zebra(speaker, sources)}
    if any(port.silent for port in speaker.ports):
        found["staticd"] = _staticd(speaker)
    if options.bfd:
        found["bfdd"] = _bfdd(options.bfd)
    found |= speaking
    return {name: "\n".join(["log stdout warnings", *text, ""]) for name, text in found.items()}


def changes(speaker: Speaker, options: RoutingOptions) -> dict[str, list[str]]:
    """Return the lines by which each running daemon takes over other costs and services."""
    if isinstance(options, BgpOptions):
        return {"bgpd": list(bgpd_changes(speaker))}
    if isinstance(options, OspfOptions):
        return {
            "ospfd": list(ospf_changes(speaker, 4)),
            "ospf6d": list(ospf_changes(speaker, 6)),
        }
    return {"ripd": list(rip_changes(speaker, 4)), "ripngd": list(rip_changes(speaker, 6))}


def _zebra(speaker: Speaker, sources: tuple[str, str]) -> Iterator[str]:
    """What is learned comes into the kernel, with the node's own address as its source.

    Without objects for next hops: the kernel drops those of a link that goes down, and zebra 8
    still refers to them when the link has come back.
    """
    yield "no zebra nexthop kernel enable"
    for word, source, own in zip(("ip", "ipv6"), sources, speaker.own, strict=True):
        if speaker.node.forwards:
            yield f"route-map source-{word} permit 1\n set src {own}"
            yield f"{word} protocol {source} route-map source-{word}"
        else:
            yield f"route-map {NOTHING} deny 1"
            yield f"{word} protocol {source} route-map {NOTHING}"


def _staticd(speaker: Speaker) -> Iterator[str]:
    """Routes to those beside a router that run no daemon; the dearer the way, the more distant."""
    by_cost = sorted({port.cost for port in speaker.ports})
    for port in speaker.ports:
        distance = min(1 + by_cost.index(port.cost), 19)  # BGP's is 20, the least of the protocols'
        for far in port.silent:
            end, name = far.interface, port.interface.name
            yield f"ip route {far.node.ipv4}/32 {end.ipv4.ip} {name} {distance}"
            yield f"ipv6 route {far.node.ipv6}/128 {end.ipv6.ip} {name} {distance}"


def _bfdd(bfd: Bfd) -> Iterator[str]:
    every = round(bfd.interval * 1000)
    yield f"bfd\n profile {BFD_PROFILE}"
    yield f"  detect-multiplier {bfd.multiplier}"
    yield f"  transmit-interval {every}\n  receive-interval {every}"
