"""A constant-rate stream of packets from some clients while faults strike, recorded in full."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, closing

from anycastlab.errors import HostError, UsageError
from anycastlab.probing.nodes import Nodes
from anycastlab.probing.stream_changes import Watch
from anycastlab.probing.stream_flows import Outlet, open_outlet
from anycastlab.probing.stream_join import join
from anycastlab.probing.stream_record import (
    Flow,
    Pace,
    Predicted,
    Recorded,
    StreamProtocol,
    Strike,
    Struck,
    Trace,
)
from anycastlab.probing.stream_recorder import Recorder
from anycastlab.probing.stream_sender import Schedule, Sender

SHORTEST = 20e-6
"""Seconds between two packets of all flows together, at the least: what one process can do."""

_DENSEST, _ALL_FLOWS = 0.2e-3, 0.1e-3
_HEADSTART = 0.02
_FAULTS_TAKE = 600.0
_BILLION = 1_000_000_000


def usual_interval(flows: int) -> float:
    """Seconds between two packets of a flow when nobody says otherwise.

    5,000 packets a second, or less, so that all flows together are at most 10,000.
    """
    return max(_DENSEST, _ALL_FLOWS * flows)


class Stream:
    """Sends from all *flows* in turn. Raises UsageError for more packets than it can send."""

    def __init__(
        self, nodes: Nodes, flows: Sequence[Flow], pace: Pace, protocol: StreamProtocol = "icmp"
    ) -> None:
        least = SHORTEST * len(flows)
        if pace.interval < least:
            raise UsageError(
                f"{pace.interval * 1e3:g} ms is too short an interval for {len(flows)} flows; "
                f"{least * 1e3:g} ms is possible"
            )
        self._nodes, self._flows, self._pace, self._protocol = nodes, flows, pace, protocol
        self._first = random.getrandbits(31)
        self._struck: list[Struck] = []
        self._predicted: Predicted = {}

    def run(self, strikes: Sequence[Strike] = ()) -> Recorded:
        """Send, let the faults strike in turn, and return what was recorded.

        Ctrl-C ends it early: what has been recorded by then is returned. Raises what a fault
        raises, UsageError for a dead client, LostPacketsError when the host could not keep up.
        """
        self._predicted = predicted = self._nodes.predict()
        with ExitStack() as stack:
            outlets = [self._open(flow, stack) for flow in self._flows]
            recorder = stack.enter_context(closing(self._recorder(outlets)))
            watch = stack.enter_context(closing(Watch(self._nodes)))
            sender = Sender(outlets, self._schedule(), self._first, self._capacity(strikes))
            stack.enter_context(closing(sender))
            sender.start()  # forks, so before any thread
            interrupted = False
            try:
                recorder.start()
                watch.start()
                self._strike_all(strikes, sender, (recorder, watch))
            except KeyboardInterrupt:
                interrupted = True
                sender.stop_at(0)
                sender.ended_within(1.0)
            recorder.await_answers(self._last_ids(len(sender.sent)), self._pace.linger)
            return Recorded(
                pace=self._pace,
                protocol=self._protocol,
                traces=self._join(sender.sent, recorder),
                predicted=predicted,
                struck=tuple(self._struck),
                changes=watch.end(self._flows),
                late=sender.late,
                interrupted=interrupted,
            )

    def _open(self, flow: Flow, stack: ExitStack) -> Outlet:
        outlet = open_outlet(self._nodes, flow, self._protocol)
        stack.enter_context(outlet.socket)
        return outlet

    def _recorder(self, outlets: Sequence[Outlet]) -> Recorder:
        groups = dict.fromkeys(flow.target.group for flow in self._flows)
        found = [self._nodes.network.groups[group].instances for group in groups]
        return Recorder(
            self._nodes, dict.fromkeys(name for some in found for name in some), outlets
        )

    def _schedule(self) -> Schedule:
        start = time.monotonic_ns() + int(_HEADSTART * _BILLION)
        return Schedule(start, round(self._pace.interval * _BILLION), len(self._flows))

    def _capacity(self, strikes: Sequence[Strike]) -> int:
        pace = self._pace
        longest = pace.before + pace.after + pace.apart * len(strikes) + _FAULTS_TAKE
        return int(longest / pace.interval) * len(self._flows)

    def _strike_all(
        self, strikes: Sequence[Strike], sender: Sender, watchers: Iterable[Recorder | Watch]
    ) -> None:
        """Let time pass and the faults strike; return when the last packet has been sent."""
        pace = self._pace
        moment = time.monotonic() + _HEADSTART + pace.before
        for strike in strikes:
            if sender.ended_within(max(0.0, moment - time.monotonic())):
                raise HostError("the stream ended before all faults had struck")
            self._strike(strike)
            for watcher in watchers:
                watcher.refresh()
            moment = time.monotonic() + pace.apart
        end = (time.monotonic() if strikes else moment) + pace.after
        sender.stop_at(int(end * _BILLION))
        sender.ended_within(max(0.0, end - time.monotonic()) + 1.0)

    def _strike(self, strike: Strike) -> None:
        """Strike; a fault that Ctrl-C interrupts may have struck, so it is noted too."""
        began, predicted = time.time_ns(), self._predicted
        try:
            strike.strike()
            ended = time.time_ns()
            self._predicted = predicted = self._nodes.predict()
        except KeyboardInterrupt:
            self._struck.append(Struck(strike.text, began, time.time_ns(), predicted))
            raise
        self._struck.append(Struck(strike.text, began, ended, predicted))

    def _join(self, sent: Sequence[int], recorder: Recorder) -> tuple[Trace, ...]:
        received = recorder.end()
        return join(self._flows, self._first, sent, received, recorder.answers)

    def _last_ids(self, sent: int) -> Iterable[int]:
        begin = max(0, sent - len(self._flows))
        return range(self._first + begin, self._first + sent)
