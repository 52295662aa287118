"""The kinds of value the arguments of steps are made of, as types that check themselves."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema

from anycastlab.probing.observation import Protocol
from anycastlab.topology.network import Family
from anycastlab.topology.units import seconds

PROTOCOLS: tuple[Protocol, ...] = ("icmp", "tcp", "udp")
FAMILIES: tuple[Family, ...] = (4, 6)
PREDICTED = "predicted"
ALL = "all"

NAMES_SCHEMA: dict[str, Any] = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]
}

Wanted = str | tuple[str, ...]
"""Who should receive and answer: ``PREDICTED``, or any of these instances; none at all if empty."""


def names_of(value: object) -> tuple[str, ...]:
    """Turn a name or a list of names into a tuple; ValueError for anything else."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list | tuple) and value and all(isinstance(one, str) for one in value):
        return tuple(value)
    raise ValueError("expected a name or a list of names")


def wanted(value: object) -> Wanted:
    """Read ``s1``, ``[s1, s2]``, ``none`` or ``predicted``; in a list they are plain names."""
    if value == PREDICTED:
        return PREDICTED
    if value == "none":
        return ()
    try:
        return names_of(value)
    except ValueError:
        raise ValueError("expected a server, a list of servers, none or predicted") from None


def wanted_by_client(value: object) -> str | dict[str, Wanted]:
    """Read ``predicted``, or a mapping from clients to what :func:`wanted` reads."""
    if value == PREDICTED:
        return PREDICTED
    if not isinstance(value, dict) or not value:
        raise ValueError("expected predicted, or a mapping from clients to instances")
    try:
        return {str(client): wanted(instances) for client, instances in value.items()}
    except ValueError as error:
        raise ValueError(f"for each client, {error}") from None


def clients(value: object) -> str | tuple[str, ...]:
    """Read ``all``, ``c1`` or ``[c1, c2]``; in a list ``all`` is a plain name."""
    return ALL if value == ALL else names_of(value)


def duration(value: object) -> float:
    """Read seconds, or a time with its unit."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return seconds(value)


def grace(value: object) -> dict[str, float]:
    """Read names, which have no time, or a mapping from names to times; in seconds."""
    if not isinstance(value, dict):
        return dict.fromkeys(names_of(value), 0.0)
    if not value:
        raise ValueError("expected names, or a mapping from names to times")
    try:
        return {str(name): duration(time) for name, time in value.items()}
    except ValueError as error:
        raise ValueError(f"for each name, {error}") from None


def family(value: object) -> object:
    """Pass 4 and 6 on; ValueError for anything else."""
    if value not in FAMILIES:
        raise ValueError(f"expected 4 or 6, not {value!r}")
    return value


FamilyField = Annotated[Literal[4, 6], BeforeValidator(family)]
NamesField = Annotated[tuple[str, ...], PlainValidator(names_of), WithJsonSchema(NAMES_SCHEMA)]
ClientsField = Annotated[
    str | tuple[str, ...], PlainValidator(clients), WithJsonSchema(NAMES_SCHEMA)
]
WantedField = Annotated[Wanted, PlainValidator(wanted), WithJsonSchema(NAMES_SCHEMA)]
WantedByClientField = Annotated[
    str | dict[str, Wanted],
    PlainValidator(wanted_by_client),
    WithJsonSchema(
        {"anyOf": [{"const": PREDICTED}, {"type": "object", "additionalProperties": NAMES_SCHEMA}]}
    ),
]
Duration = Annotated[
    float,
    BeforeValidator(duration),
    Field(gt=0, le=3600),
    WithJsonSchema({"type": ["string", "number"], "description": "200ms, 1s, 2min, or seconds"}),
]
GraceField = Annotated[
    dict[str, float],
    PlainValidator(grace),
    WithJsonSchema(
        {
            "anyOf": [
                *NAMES_SCHEMA["anyOf"],
                {"type": "object", "additionalProperties": {"type": ["string", "number"]}},
            ]
        }
    ),
]


class Probing(BaseModel):
    """Which probes a step sends, and until when it tries again; all of it may be left out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: FamilyField | None = None
    protocol: Protocol | None = None
    within: Duration | None = None

    @property
    def families(self) -> tuple[Family, ...]:
        """The one given, or both."""
        return FAMILIES if self.family is None else (self.family,)

    @property
    def protocols(self) -> tuple[Protocol, ...]:
        """The one given, or all."""
        return PROTOCOLS if self.protocol is None else (self.protocol,)
