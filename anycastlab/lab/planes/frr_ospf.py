"""FRR's ospfd and ospf6d: every host route an external of type 1, as with BIRD."""

from __future__ import annotations

from collections.abc import Iterator

from anycastlab.lab.planes.frr_common import BFD_PROFILE, HOSTS, LEAVES, lists
from anycastlab.lab.planes.speakers import Port, Speaker
from anycastlab.topology.routing_models import OspfOptions

MAX_METRIC = 65535
"""RFC 6987: no way leads through a host, whose interfaces all cost this."""
_TIMERS = ("hello", "dead", "retransmit")


def ospfd(speaker: Speaker, options: OspfOptions) -> Iterator[str]:
    """Yield ospfd's configuration (OSPFv2)."""
    yield from lists(speaker, 4)
    for port in speaker.ports:
        yield from _interface(speaker, port, options, "ip ospf")
    yield f"router ospf\n ospf router-id {speaker.node.ipv4}"
    yield f" redistribute connected metric 1 metric-type 1 route-map {HOSTS}4"
    yield f" redistribute static metric-type 1 route-map {LEAVES}4"
    yield " maximum-paths 64"


def ospf6d(speaker: Speaker, options: OspfOptions) -> Iterator[str]:
    """Yield ospf6d's configuration (OSPFv3)."""
    yield from lists(speaker, 6)
    for port in speaker.ports:
        yield from _interface(speaker, port, options, "ipv6 ospf6")
    yield f"router ospf6\n ospf6 router-id {speaker.node.ipv4}"
    yield f" redistribute connected metric 1 metric-type 1 route-map {HOSTS}6"
    yield f" redistribute static metric-type 1 route-map {LEAVES}6"
    yield " maximum-paths 64"


def costs(speaker: Speaker) -> Iterator[tuple[str, int]]:
    """Yield each interface's name and cost."""
    for port in speaker.ports:
        yield port.interface.name, port.cost if speaker.node.forwards else MAX_METRIC


def _interface(speaker: Speaker, port: Port, options: OspfOptions, word: str) -> Iterator[str]:
    yield f"interface {port.interface.name}"
    yield f" {word} area 0\n {word} cost {dict(costs(speaker))[port.interface.name]}"
    if not port.neighbours:
        yield f" {word} passive"
        return
    if not port.shared:
        yield f" {word} network point-to-point"
    for name in _TIMERS:
        value = getattr(options.timers, name)
        if value is not None:
            yield f" {word} {name}-interval {int(value)}"
    if options.bfd:
        yield f" {word} bfd profile {BFD_PROFILE}"
