"""FRR's ripd and ripngd."""

from __future__ import annotations

from collections.abc import Iterator

from anycastlab.lab.planes.frr_common import HOSTS, NOTHING, lists
from anycastlab.lab.planes.speakers import Speaker
from anycastlab.topology.routing_models import RipOptions, RipTimers


def ripd(speaker: Speaker, options: RipOptions) -> Iterator[str]:
    """Yield ripd's configuration (RIP version 2)."""
    yield from lists(speaker, 4)
    yield "router rip\n version 2"
    yield from _common(speaker, options.timers, 4)


def ripngd(speaker: Speaker, options: RipOptions) -> Iterator[str]:
    """Yield ripngd's configuration."""
    yield from lists(speaker, 6)
    yield "router ripng"
    yield from _common(speaker, options.timers, 6)


def _common(speaker: Speaker, timers: RipTimers, family: int) -> Iterator[str]:
    yield " allow-ecmp"
    if timers.update and timers.timeout and timers.garbage:
        every = int(timers.update), int(timers.timeout), int(timers.garbage)
        yield " timers basic {} {} {}".format(*every)
    for port in speaker.ports:
        if port.neighbours:
            yield f" network {port.interface.name}"
    if speaker.node.forwards:
        yield " redistribute connected\n redistribute static"
    else:
        word = "" if family == 4 else "ipv6 "
        yield f" redistribute connected route-map {HOSTS}{family}"
        yield f" {word}distribute-list prefix {NOTHING}{family} in"
