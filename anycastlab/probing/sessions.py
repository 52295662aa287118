"""Many paced TCP sessions from some clients while faults strike: which survive, who resets which.

Plain TCP over anycast holds as long as the route does: after a shift of the catchment the next
segment reaches an instance that has no such connection and resets it (RFC 9293, section 3.5.2;
RFC 7094, section 4.2). Every session is a real connection of the client's kernel.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Literal

from anycastlab.probing.nodes import Nodes
from anycastlab.probing.sessions_loop import Connection, Loop
from anycastlab.probing.sessions_resets import Ends, ResetTaps
from anycastlab.probing.sessions_way import By, ways
from anycastlab.probing.stream_flows import Flow
from anycastlab.probing.stream_record import Strike, Struck

Fate = Literal["survived", "reset", "closed", "hung", "refused"]
FATES: tuple[Fate, ...] = ("survived", "reset", "closed", "hung", "refused")


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """How many sessions, and their rhythm in seconds.

    ``pace`` lies between two lines of one session at the least; ``apart`` between two faults;
    ``after`` is how long the sessions go on after the last one. ``opening`` and ``patience`` are
    how long at most to wait for the first and for the last answers, the latter longer after a fault
    that took long itself. ``by`` is how they begin.
    """

    count: int = 50
    pace: float = 0.02
    apart: float = 0.2
    after: float = 1.0
    opening: float = 5.0
    patience: float = 1.0
    by: By = "service-address"


DEFAULTS = SessionPlan()
_BACKED_OFF = 2
"""A segment lost while a fault took its time is sent again in twice as much (RFC 6298, 5.5)."""


@dataclass(frozen=True, slots=True)
class SessionResult:
    """What became of one session.

    ``survived``: it answers at the end, to the instance it began at; ``reset``: by the members in
    ``reset_by``, whose taps recorded it (none: nobody was seen to); ``closed`` by its instance;
    ``hung``: no answer, no error; ``refused``: it never came about. ``instance`` is who said its
    name at the start. ``lines`` were answered, ``bytes_lost`` bytes never came back; ``slowest`` is
    the longest time (seconds) a line waited; ``opening`` is how long it took from the beginning, a
    resolution included, until the instance's name was there (None: never); ``ended`` how long after
    the first fault began (before it, if negative) a session ended early.
    """

    client: str
    group: str
    family: int
    instance: str | None
    fate: Fate
    reset_by: tuple[str, ...]
    lines: int
    bytes_lost: int
    slowest: float
    ended: float | None
    opening: float | None = None

    @property
    def moved(self) -> bool:
        """Whether another member than its instance got its packets, and reset it."""
        return any(member != self.instance for member in self.reset_by)

    def as_json(self) -> dict[str, Any]:
        """The object that stands for this session."""
        return {
            "client": self.client,
            "family": self.family,
            "instance": self.instance,
            "fate": self.fate,
            "reset_by": list(self.reset_by),
            "lines": self.lines,
            "bytes_lost": self.bytes_lost,
            "slowest_ms": round(self.slowest * 1e3, 3),
            "opening_ms": None if self.opening is None else round(self.opening * 1e3, 3),
            "ended_ms": None if self.ended is None else round(self.ended * 1e3, 3),
        }


@dataclass(frozen=True, slots=True)
class SessionsHeld:
    """All sessions of one measurement, in the order of opening, and the faults they met."""

    plan: SessionPlan
    sessions: tuple[SessionResult, ...]
    struck: tuple[Struck, ...]

    def as_json(self) -> dict[str, Any]:
        """The object of the contract (see docs/json.md)."""
        counts = Counter(one.fate for one in self.sessions)
        return {
            "count": len(self.sessions),
            "pace_ms": self.plan.pace * 1e3,
            "faults": [
                {"fault": one.text, "took_ms": round((one.ended - one.began) / 1e6, 3)}
                for one in self.struck
            ],
            **{fate: counts[fate] for fate in FATES},
            "moved": sum(one.moved for one in self.sessions),
            "sessions": [one.as_json() for one in self.sessions],
        }


def hold_sessions(
    nodes: Nodes, flows: Sequence[Flow], plan: SessionPlan, strikes: Sequence[Strike] = ()
) -> SessionsHeld:
    """Open sessions on *flows* in turn, let the faults strike, and see what becomes of each.

    The faults strike when every session has exchanged a line. Raises what a fault raises,
    UsageError for a dead client, LostPacketsError when the host could not keep up.
    """
    groups = dict.fromkeys(flow.target.group for flow in flows)
    members = [name for group in groups for name in nodes.network.groups[group].instances]
    with ExitStack() as stack:
        taps = ResetTaps(nodes, dict.fromkeys(members))
        stack.callback(taps.close)
        connections, resolving = _open(nodes, flows, plan, stack)
        loop = Loop(connections, plan.pace)
        stack.callback(loop.close)
        loop.open(plan.opening)
        began, struck = time.monotonic(), []
        for number, strike in enumerate(strikes):
            loop.run(plan.apart if number else plan.pace)
            struck.append(_strike(nodes, strike, loop))
            taps.refresh()
        loop.run(plan.after)
        loop.finish(max(plan.patience, _BACKED_OFF * _longest(struck)))
        senders = taps.senders()
        results = tuple(_result(one, senders, began, resolving) for one in connections)
    return SessionsHeld(plan, results, tuple(struck))


def _open(
    nodes: Nodes, flows: Sequence[Flow], plan: SessionPlan, stack: ExitStack
) -> tuple[tuple[Connection, ...], float]:
    """Begin all sessions; also how long the resolution of a flow took (seconds, on average)."""
    began = time.monotonic()
    known = ways(nodes, flows, plan.by)
    resolving = (time.monotonic() - began) / len(flows) if plan.by != DEFAULTS.by else 0.0
    connections, kind = [], _kind(plan.by)
    for number in range(plan.count):
        flow = flows[number % len(flows)]
        connection = kind(number, nodes, flow, known[flow])
        stack.callback(connection.socket.close)
        connections.append(connection)
    return tuple(connections), resolving


def _kind(by: By) -> type[Connection]:
    if by != "quic":
        return Connection
    from anycastlab.probing.sessions_quic import QuicConnection, require

    require()
    return QuicConnection


def _strike(nodes: Nodes, strike: Strike, loop: Loop) -> Struck:
    """Let a fault strike in a thread of its own: some take their time, and the sessions go on."""
    began = time.time_ns()
    with ThreadPoolExecutor(1) as striker:
        struck = striker.submit(strike.strike)
        loop.run_until(struck.done)
        struck.result()
    return Struck(strike.text, began, time.time_ns(), nodes.predict())


def _longest(struck: Sequence[Struck]) -> float:
    """How long the slowest fault took, in seconds."""
    return max((one.ended - one.began for one in struck), default=0) / 1e9


def _result(
    connection: Connection,
    senders: Mapping[Ends, tuple[str, ...]],
    began: float,
    resolving: float,
) -> SessionResult:
    flow, phase = connection.flow, connection.phase
    fate: Fate = "survived" if phase == "open" or phase == "opening" else phase  # noqa: PLR1714
    by = senders.get(connection.ends, ()) if connection.ends and fate == "reset" else ()
    return SessionResult(
        flow.client,
        flow.target.group,
        flow.family,
        connection.instance,
        fate,
        by,
        connection.lines,
        connection.unanswered,
        connection.slowest,
        None if connection.ended is None else connection.ended - began,
        None if connection.opened is None else connection.opened - connection.began + resolving,
    )
