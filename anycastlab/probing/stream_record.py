"""What a stream is asked to do, and what it records: plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from anycastlab.probing.plan import Target
from anycastlab.topology.network import Family

StreamProtocol = Literal["udp", "icmp"]
What = Literal["link lost", "link back", "route", "route gone"]
Predicted = Mapping[tuple[str, str], tuple[str, ...]]
"""(client, group) -> equally near instances."""


@dataclass(frozen=True, slots=True)
class Flow:
    """What one client sends to one service address."""

    client: str
    family: Family
    target: Target


@dataclass(frozen=True, slots=True)
class Pace:
    """The rhythm of a stream, all in seconds.

    ``interval`` lies between two packets of one flow; ``before`` and ``after`` is how long the
    stream runs before the first fault and after the last, ``apart`` what lies between two faults;
    ``linger`` is how long at most to wait for the last answers.
    """

    interval: float = 0.001
    before: float = 0.5
    after: float = 1.0
    apart: float = 0.0
    linger: float = 0.5


@dataclass(frozen=True, slots=True)
class Strike:
    """A fault to come: what to call it, and what to call."""

    text: str
    strike: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Struck:
    """A fault that has struck: from when to when (ns, real time), and what is predicted since."""

    text: str
    began: int
    ended: int
    predicted: Predicted


@dataclass(frozen=True, slots=True)
class Arrival:
    """A packet received: when (ns, real time), which one of its flow, by which instance.

    ``seen`` tells if a tap recorded it; else its answer did, and the time is the answer's.
    """

    stamp: int
    number: int
    instance: str
    seen: bool = True


@dataclass(frozen=True, slots=True)
class Change:
    """What one node's kernel said: when (ns, real time), and what it is about.

    ``about`` is the node (or LAN) at the far end of a link, or a route's prefix; ``via`` are the
    next nodes of a route.
    """

    stamp: int
    node: str
    what: What
    about: str
    via: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """What happened to one flow.

    ``sent`` has a time (ns, real time) for each packet, negative if the client's kernel refused it;
    ``arrivals`` are in order of time; ``answered`` maps packets to the time of their answer.
    """

    flow: Flow
    sent: Sequence[int]
    arrivals: Sequence[Arrival]
    answered: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A whole stream: what happened to its flows, and what the nodes did meanwhile.

    ``late`` has for each packet by how many ns it was sent too late.
    """

    pace: Pace
    protocol: StreamProtocol
    traces: tuple[Trace, ...]
    predicted: Predicted
    struck: tuple[Struck, ...]
    changes: tuple[Change, ...]
    late: Sequence[int]
    interrupted: bool
