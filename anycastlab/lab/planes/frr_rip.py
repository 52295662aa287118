"""FRR's ripd and ripngd."""

from __future__ import annotations

from collections.abc import Iterator

from anycastlab.lab.planes.frr_common import NOTHING, TOLD, all_but, lists, only
from anycastlab.lab.planes.speakers import Speaker
from anycastlab.topology.routing_models import LEAST_FRR_RIP, RipOptions

_ROUTER = {4: "rip", 6: "ripng"}


def rip(speaker: Speaker, options: RipOptions, family: int) -> Iterator[str]:
    """Yield the configuration of ripd (family 4: RIP version 2) or of ripngd (6)."""
    yield from lists(family, _told(speaker, family))
    yield f"router {_ROUTER[family]}\n allow-ecmp"
    timers = options.timers
    if timers.update and timers.timeout and timers.garbage:
        every = (timers.update, timers.timeout, timers.garbage)
        # FRR takes no shorter ones, so `fast` means this here
        yield f" timers basic {' '.join(str(max(int(one), LEAST_FRR_RIP)) for one in every)}"
    for port in speaker.ports:
        if port.neighbours:
            yield f" network {port.interface.name}"
    yield " redistribute connected\n redistribute static"
    # on the way out, since a route map on what is redistributed does nothing in ripngd
    word = "" if family == 4 else "ipv6 "
    yield f" {word}distribute-list prefix {TOLD}{family} out"
    if not speaker.node.forwards:
        yield f" {word}distribute-list prefix {NOTHING}{family} in"


def rip_changes(speaker: Speaker, family: int) -> Iterator[str]:
    """Yield what brings a running daemon to the services announced now.

    It just stops to tell of the others: they are gone when their timeout is over.
    """
    yield from _told(speaker, family)


def _told(speaker: Speaker, family: int) -> Iterator[str]:
    if speaker.node.forwards:
        return all_but(speaker.withdrawn, family)
    return only((*speaker.own, *speaker.services), family)
