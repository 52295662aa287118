"""FRR's ospfd and ospf6d: every host route an external of type 1, as with BIRD."""

from __future__ import annotations

from collections.abc import Iterator

from anycastlab.lab.planes.frr_common import (
    BFD_PROFILE,
    LEAVES,
    TOLD,
    entries,
    leaves,
    lists,
    only,
    permit,
)
from anycastlab.lab.planes.speakers import Port, Speaker
from anycastlab.topology.routing_models import OspfOptions

MAX_METRIC = 65535
"""RFC 6987: no way leads through a host, whose interfaces all cost this."""
_TIMERS = ("hello", "dead", "retransmit")
_WORD = {4: "ip ospf", 6: "ipv6 ospf6"}
_ROUTER = {4: "ospf", 6: "ospf6"}


def ospf(speaker: Speaker, options: OspfOptions, family: int) -> Iterator[str]:
    """Yield the configuration of ospfd (family 4: OSPFv2) or of ospf6d (6: OSPFv3)."""
    yield from lists(family, _told(speaker, family))
    yield from _leaves(speaker, family)
    for port in speaker.ports:
        yield from _interface(speaker, port, options, family)
    router = _ROUTER[family]
    yield f"router {router}\n {router} router-id {speaker.node.ipv4}"
    yield f" redistribute connected metric 1 metric-type 1 route-map {TOLD}{family}"
    yield f" redistribute static metric-type 1 route-map {LEAVES}{family}"
    yield " maximum-paths 64"


def ospf_changes(speaker: Speaker, family: int) -> Iterator[str]:
    """Yield what brings a running daemon to the costs and the services of now.

    It looks at what it redistributes only after MinLSInterval, 5 s.
    """
    for port in speaker.ports:
        yield f"interface {port.interface.name}"
        yield f"{_WORD[family]} cost {_cost(speaker, port)}"
        yield "exit"
    yield from _told(speaker, family)


def _told(speaker: Speaker, family: int) -> Iterator[str]:
    return only((*speaker.own, *speaker.services), family)


def _leaves(speaker: Speaker, family: int) -> Iterator[str]:
    for number, (cost, addresses) in enumerate(leaves(speaker, family).items(), 1):
        name = f"{LEAVES}-{cost}-"
        yield from entries(name, family, "permit", addresses)
        yield from permit(LEAVES, number, family, f"{name}{family}")
        yield f" set metric {cost}"


def _cost(speaker: Speaker, port: Port) -> int:
    return port.cost if speaker.node.forwards else MAX_METRIC


def _interface(speaker: Speaker, port: Port, options: OspfOptions, family: int) -> Iterator[str]:
    word = _WORD[family]
    yield f"interface {port.interface.name}"
    yield f" {word} area 0\n {word} cost {_cost(speaker, port)}"
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
