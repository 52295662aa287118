"""Join what was sent, received and answered: by the probe's id, and by nothing else.

What passes *through* a member cancels out: a probe that entered it and left it again was forwarded
and not received, and a reply that entered and left was somebody else's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address
from itertools import repeat

from anycastlab.probing.ledger import Ledger
from anycastlab.probing.observation import Observation
from anycastlab.probing.plan import Block, Target
from anycastlab.probing.taps import Event, Recording
from anycastlab.topology.network import Family

Receivers = tuple[tuple[str, ...], int]
"""The members that received a probe, sorted, and the recorded copies over all of them."""

_NOBODY: Receivers = ((), 0)


def observe(
    blocks: Iterable[Block],
    ledger: Ledger,
    recordings: Mapping[str, Recording],
    predicted: Mapping[Family, Mapping[tuple[str, str], tuple[str, ...]]],
) -> list[Observation]:
    """Return one observation for each probe, in the order of sending."""
    received, round_trips = _received(ledger, recordings), ledger.round_trips()
    for number, receivers in _sessions(ledger, recordings).items():
        received[number] = receivers
    repliers, names = _repliers(ledger, recordings), ledger.names
    found: list[Observation] = []
    for block in blocks:
        client, kind, start, targets = block.client, block.kind, block.start, block.targets
        numbers, nearest = range(start, start + len(targets)), predicted[block.family]
        answered = ledger.answered[start : numbers.stop]
        said = map(names.get, numbers) if kind in ("tcp", "udp") else repliers[start : numbers.stop]
        found += map(
            Observation._make,
            zip(
                repeat(client),
                [target.group for target in targets],
                repeat(block.family),
                [target.address for target in targets],
                repeat("tcp" if kind == "syn" else kind),
                [nearest.get((client, target.group), ()) for target in targets],
                [members for members, _ in received[start : numbers.stop]],
                [name if stamp > 0 else None for name, stamp in zip(said, answered, strict=True)],
                [copies for _, copies in received[start : numbers.stop]],
                round_trips[start : numbers.stop],
                *_formalities(ledger, numbers, targets),
                strict=False,
            ),
        )
    return found


def _formalities(
    ledger: Ledger, numbers: Iterable[int], targets: Sequence[Target]
) -> tuple[Iterable[bool], Iterable[str | None]]:
    """Which addresses are formal ones, and where their answers came from, if anybody looked."""
    if ledger.sources is None:
        return repeat(False), repeat(None)
    pairs = zip(numbers, targets, strict=True)
    sources = [_source(ledger, number, target) for number, target in pairs]
    return [target.formal for target in targets], sources


def _source(ledger: Ledger, number: int, target: Target) -> str | None:
    """The address a probe was answered from; None when it was not."""
    if ledger.answered[number] <= 0:
        return None
    sources = ledger.sources or {}
    if number not in sources:  # a session's peer is whom it was opened to
        return target.address
    length = len(target.packed)
    at = 4 if length == 4 else 8  # of struct sockaddr_in and of struct sockaddr_in6
    return str(ip_address(sources[number][at : at + length]))


def _own(there: Sequence[Event], back: Sequence[Event]) -> Iterable[int]:
    """The ids of what went *there*, as often as it did, less what went *back*."""
    ids = [probe for probe, _ in there]
    if not back:
        return ids
    return (Counter(ids) - Counter(probe for probe, _ in back)).elements()


def _received(ledger: Ledger, recordings: Mapping[str, Recording]) -> list[Receivers]:
    first, count = ledger.first, ledger.count
    received = [_NOBODY] * count
    for member, recording in recordings.items():
        alone = (member,), 1
        for probe in _own(recording.arrived, recording.passed_on):
            number = probe - first
            if 0 <= number < count:
                before = received[number]
                received[number] = alone if before is _NOBODY else _add(before, member)
    return received


def _add(before: Receivers, member: str) -> Receivers:
    return tuple(sorted({*before[0], member})), before[1] + 1


def _repliers(ledger: Ledger, recordings: Mapping[str, Recording]) -> list[str | None]:
    """For each probe the member whose reply left; of several the one whose reply left first."""
    first, count = ledger.first, ledger.count
    repliers: list[str | None] = [None] * count
    left = [0] * count
    for member, recording in recordings.items():
        foreign = {probe for probe, _ in recording.replies_in}
        for probe, stamp in recording.replied:
            number = probe - first
            if not 0 <= number < count or probe in foreign:
                continue
            if repliers[number] is None or stamp < left[number]:
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
