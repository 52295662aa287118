"""A constant-rate stream of packets from some clients while faults strike, recorded in full."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from anycastlab.errors import HostError, UsageError
from anycastlab.probing.nodes import Nodes
from anycastlab.probing.stream_flows import Flow, StreamProtocol, open_outlet
from anycastlab.probing.stream_recorder import Recorder
from anycastlab.probing.stream_sender import Schedule, Sender

SHORTEST = 20e-6
"""Seconds between two packets of the whole stream, at the least: what one process keeps up with."""

_HEADSTART = 0.02
_FAULTS_TAKE = 600.0
_BILLION = 1_000_000_000

Predicted = Mapping[tuple[str, str], tuple[str, ...]]


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
    """A whole stream. ``late`` has for each packet by how many ns it was sent too late."""

    pace: Pace
    protocol: StreamProtocol
    traces: tuple[Trace, ...]
    predicted: Predicted
    struck: tuple[Struck, ...]
    late: Sequence[int]
    interrupted: bool


class Stream:
    """Sends from all *flows* in turn. Raises UsageError for more packets than it can send."""

    def __init__(
        self, nodes: Nodes, flows: Sequence[Flow], pace: Pace, protocol: StreamProtocol = "icmp"
    ) -> None:
        if pace.interval < SHORTEST * len(flows):
            raise UsageError(
                f"{len(flows)} flows with a packet every {pace.interval * 1e3:g} ms are too many "
                f"packets; {SHORTEST * len(flows) * 1e3:g} ms is possible"
            )
        self._nodes, self._flows, self._pace, self._protocol = nodes, flows, pace, protocol
        self._first = random.getrandbits(31)
        self._struck: list[Struck] = []

    def run(self, strikes: Sequence[Strike] = ()) -> Recorded:
        """Send, let the faults strike in turn, and return what was recorded.

        Ctrl-C ends it early: what has been recorded by then is returned. Raises what a fault
        raises, UsageError for a dead client, LostPacketsError when the host could not keep up.
        """
        predicted = self._nodes.predict()
        interrupted = False
        with ExitStack() as stack:
            outlets = [open_outlet(self._nodes, flow, self._protocol) for flow in self._flows]
            for outlet in outlets:
                stack.enter_context(outlet.socket)
            recorder = Recorder(self._nodes, self._members(), outlets)
            stack.callback(recorder.close)
            sender = Sender(outlets, self._schedule(), self._first, self._capacity(strikes))
            stack.callback(sender.close)
            try:
                sender.start()
                recorder.start()
                self._strike(strikes, sender, recorder)
            except KeyboardInterrupt:
                sender.stop_at(0)
                interrupted = True
            sender.ended_within(self._pace.after)
            recorder.await_answers(self._last_ids(len(sender.sent)), self._pace.linger)
            traces = self._traces(sender.sent, recorder)
            late = sender.late
        return Recorded(
            self._pace, self._protocol, traces, predicted, tuple(self._struck), late, interrupted
        )

    def _members(self) -> tuple[str, ...]:
        groups = dict.fromkeys(flow.target.group for flow in self._flows)
        found = [self._nodes.network.groups[group].instances for group in groups]
        return tuple(dict.fromkeys(name for names in found for name in names))

    def _schedule(self) -> Schedule:
        start = time.monotonic_ns() + int(_HEADSTART * _BILLION)
        return Schedule(start, round(self._pace.interval * _BILLION), len(self._flows))

    def _capacity(self, strikes: Sequence[Strike]) -> int:
        pace = self._pace
        longest = pace.before + pace.after + (pace.apart * len(strikes) + _FAULTS_TAKE)
        return int(longest / pace.interval) * len(self._flows)

    def _strike(self, strikes: Sequence[Strike], sender: Sender, recorder: Recorder) -> None:
        """Let time pass and the faults strike; return when the last packet has been sent."""
        pace = self._pace
        moment = time.monotonic() + _HEADSTART + pace.before
        for strike in strikes:
            if sender.ended_within(max(0.0, moment - time.monotonic())):
                raise HostError("the stream ended before the faults had struck")
            began = time.time_ns()
            strike.strike()
            ended = time.time_ns()
            recorder.refresh()
            self._struck.append(Struck(strike.text, began, ended, self._nodes.predict()))
            moment = time.monotonic() + pace.apart
        end = time.monotonic() + pace.after if strikes else moment + pace.after
        sender.stop_at(int(end * _BILLION))
        sender.ended_within(end - time.monotonic() + pace.after)

    def _last_ids(self, sent: int) -> Iterable[int]:
        begin = max(0, sent - len(self._flows))
        return range(self._first + begin, self._first + sent)

    def _traces(self, sent: Sequence[int], recorder: Recorder) -> tuple[Trace, ...]:
        count = len(self._flows)
        arrivals: list[list[Arrival]] = [[] for _ in self._flows]
        answered: list[dict[int, int]] = [{} for _ in self._flows]
        seen = set()
        for member, events in recorder.end().items():
            for probe, stamp in events:
                slot = probe - self._first
                if 0 <= slot < len(sent):
                    arrivals[slot % count].append(Arrival(stamp, slot // count, member))
                    seen.add(slot)
        for probe, (stamp, name) in recorder.answered.items():
            slot = probe - self._first
            if not 0 <= slot < len(sent):
                continue
            answered[slot % count][slot // count] = stamp
            if slot not in seen and (receiver := name or recorder.only_late_tap):
                late = Arrival(stamp, slot // count, receiver, seen=False)
                arrivals[slot % count].append(late)
        return tuple(
            Trace(
                flow,
                sent[number::count],
                sorted(arrivals[number], key=lambda one: one.stamp),
                answered[number],
            )
            for number, flow in enumerate(self._flows)
        )
