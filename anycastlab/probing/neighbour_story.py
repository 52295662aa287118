"""What a watch of a neighbour cache tells: who was believed when and why, and who said what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from anycastlab.probing.neighbour_frames import Frame
from anycastlab.probing.neighbour_watch import Held, Record

_CAUSE = 50_000_000
"""ns in which a frame must have come before what it causes."""
_SAID = {"reply": "answered", "announcement": "announced it", "claim": "asked in its name"}
_BY_ITSELF = {
    "none": "forgotten",
    "incomplete": "asked for",
    "reachable": "confirmed",
    "stale": "its time is over",
    "delay": "used after its time",
    "probe": "not confirmed, probed",
    "failed": "nobody answered",
    "permanent": "set by hand",
}
COUNTS = (
    *("requests", "broadcasts", "probes"),
    *("replies", "repliers", "announcements", "claims", "overriding"),
)
"""What is counted of frames. The first three are the watching node's own."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One asking: who answered first and last ('' for nobody), and who was believed in the end."""

    first: str
    last: str
    believed: str


@dataclass(frozen=True, slots=True)
class Story:
    """What was seen of one address at a node; *names* has the nodes by the MACs of their ports."""

    node: str
    record: Record
    names: Mapping[bytes, str]
    began: int
    asked: Sequence[Asked] = ()

    @property
    def family(self) -> int:
        """4 or 6."""
        return self.record.address.version

    @property
    def last(self) -> Held:
        """What the cache holds in the end."""
        return self.record.held[-1]

    def name(self, mac: bytes) -> str:
        """Whose MAC it is: a node's, '' for none, else the MAC itself."""
        return self.names.get(mac, mac.hex(":"))

    def why(self, held: Held) -> str:
        """Say what made the cache hold this: the frame just before, or the lack of one."""
        if held is self.record.held[0]:
            return "when the watch began"
        for frame in reversed(self.record.frames):
            recent = held.stamp - _CAUSE <= frame.stamp <= held.stamp
            if recent and held.mac and frame.mac == held.mac and frame.kind in _SAID:
                return f"{self.name(frame.mac)} {_SAID[frame.kind]}"
        return _BY_ITSELF.get(held.state, held.state)

    def counts(self) -> dict[str, int]:
        """How many frames of each kind, see COUNTS."""
        mine = [frame for frame in self.record.frames if self.name(frame.mac) == self.node]
        own = Counter(frame.kind for frame in mine)
        other = [f for f in self.record.frames if self.name(f.mac) != self.node]
        kinds = Counter(frame.kind for frame in other)
        return {
            "requests": own["request"],
            "broadcasts": sum(frame.broadcast for frame in mine),
            "probes": own["probe"],
            "replies": kinds["reply"],
            "repliers": len({frame.mac for frame in other if frame.kind == "reply"}),
            "announcements": kinds["announcement"],
            "claims": kinds["claim"],
            "overriding": sum(frame.override for frame in other),
        }

    def as_json(self) -> dict[str, Any]:
        """The object that stands for it in a document."""
        replies = Counter(self.name(f.mac) for f in self.record.frames if f.kind == "reply")
        return {
            "address": str(self.record.address),
            "holder": self.name(self.last.mac) or None,
            "state": self.last.state,
            "changes": [self._change(held) for held in self.record.held],
            "counts": self.counts(),
            "replies": dict(sorted(replies.items())),
            "asked": [
                {"first": one.first, "last": one.last, "believed": one.believed}
                for one in self.asked
            ],
            "frames": [one.as_json(self.name(one.mac), self.began) for one in self.record.frames],
        }

    def _change(self, held: Held) -> dict[str, Any]:
        return {
            "at": round((held.stamp - self.began) / 1e9, 6),
            "holder": self.name(held.mac) or None,
            "state": held.state,
            "why": self.why(held),
        }


def asking(frames: Sequence[Frame], held: Held, names: Mapping[bytes, str]) -> Asked:
    """Sum up the frames of one asking, and what the cache held after it."""
    replies = [names.get(one.mac, one.mac.hex(":")) for one in frames if one.kind == "reply"]
    first, last = (replies[0], replies[-1]) if replies else ("", "")
    return Asked(first, last, names.get(held.mac, held.mac.hex(":")))
