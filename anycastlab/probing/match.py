"""Join what was sent, received and answered: by the probe's id, and by nothing else.

What passes *through* a member cancels out: a probe that entered it and left it again was forwarded
and not received, and a reply that entered and left was somebody else's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from anycastlab.probing.ledger import Ledger
from anycastlab.probing.observation import Observation
from anycastlab.probing.plan import Block
from anycastlab.probing.taps import Event, Recording

Receivers = tuple[tuple[str, ...], int]
"""The members that received a probe, sorted, and the recorded copies over all of them."""

_NOBODY: Receivers = ((), 0)


def observe(
    blocks: Iterable[Block],
    ledger: Ledger,
    recordings: Mapping[str, Recording],
    predicted: Mapping[tuple[str, str], tuple[str, ...]],
) -> list[Observation]:
    """Return one observation for each probe, in the order of sending."""
    received = _received(ledger, recordings) | _sessions(ledger, recordings)
    repliers, round_trips = _repliers(ledger, recordings), ledger.round_trips()
    found = []
    for block in blocks:
        client, family, kind = block.client, block.family, block.kind
        protocol = "tcp" if kind == "syn" else kind
        answerers = ledger.names if kind in ("tcp", "udp") else repliers
        for number, target in enumerate(block.targets, block.start):
            members, copies = received.get(number, _NOBODY)
            found.append(
                Observation(
                    client,
                    target.group,
                    family,
                    target.address,
                    protocol,
                    predicted.get((client, target.group), ()),
                    members,
                    answerers.get(number) if ledger.answered[number] > 0 else None,
                    copies,
                    round_trips[number],
                )
            )
    return found


def _own(there: Sequence[Event], back: Sequence[Event]) -> Iterable[int]:
    """The ids of what went *there*, as often as it did, less what went *back*."""
    ids = [probe for probe, _ in there]
    if not back:
        return ids
    return (Counter(ids) - Counter(probe for probe, _ in back)).elements()


def _received(ledger: Ledger, recordings: Mapping[str, Recording]) -> dict[int, Receivers]:
    received: dict[int, Receivers] = {}
    first, count = ledger.first, ledger.count
    for member, recording in recordings.items():
        alone = (member,), 1
        for probe in _own(recording.arrived, recording.passed_on):
            number = probe - first
            if 0 <= number < count:
                before = received.get(number)
                received[number] = alone if before is None else _add(before, member)
    return received


def _add(before: Receivers, member: str) -> Receivers:
    return tuple(sorted({*before[0], member})), before[1] + 1


def _repliers(ledger: Ledger, recordings: Mapping[str, Recording]) -> dict[int, str]:
    """For each probe the member whose reply left; of several the one whose reply left first."""
    repliers: dict[int, str] = {}
    left: dict[int, int] = {}
    for member, recording in recordings.items():
        foreign = {probe for probe, _ in recording.replies_in}
        for probe, stamp in recording.replied:
            number = probe - ledger.first
            if probe not in foreign and stamp <= left.setdefault(number, stamp):
                left[number], repliers[number] = stamp, member
    return repliers


def _sessions(ledger: Ledger, recordings: Mapping[str, Recording]) -> dict[int, Receivers]:
    """For each session its receivers, and the copies of the transmission that had most of them."""
    seen: dict[int, Counter[tuple[bytes, str]]] = {}
    for member, recording in recordings.items():
        for flow, left, header, _ in recording.sessions:
            if (number := ledger.flows.get(flow)) is not None:
                seen.setdefault(number, Counter())[header, member] += -1 if left else 1
    return {number: _receivers(+counts) for number, counts in seen.items()}


def _receivers(counts: Mapping[tuple[bytes, str], int]) -> Receivers:
    transmissions: Counter[bytes] = Counter()
    for (header, _), copies in counts.items():
        transmissions[header] += copies
    members = sorted({member for _, member in counts})
    return tuple(members), max(transmissions.values(), default=0)
