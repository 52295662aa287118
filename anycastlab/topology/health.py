"""The `check:` of a member: what is asked of its service, and what follows from the answers."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from anycastlab.topology.forms import ShortForm
from anycastlab.topology.network import Check, Service
from anycastlab.topology.units import Seconds
from anycastlab.topology.wording import given, listed

_SERVICES: tuple[str, ...] = get_args(Service)
_KNOWN = listed([*_SERVICES])
_LEAST, _MOST = 0.01, 3600.0
_PORTS = {"tcp": 4786, "udp": 4786, "http": 80}
_OWN: dict[str, tuple[str, ...]] = {"path": ("http",), "port": tuple(_PORTS), "command": ("exec",)}
"""Keys that only some services have."""


def _interval(value: float) -> float:
    if not _LEAST <= value <= _MOST:
        raise ValueError("expected a time from 10ms to 60min")
    return value


def _hold_down(value: float) -> float:
    if value > _MOST:
        raise ValueError("expected a time of at most 60min")
    return value


def _command(value: object) -> object:
    words = value if isinstance(value, list) else [value]
    if not words or not all(isinstance(word, str) and word and "\0" not in word for word in words):
        shown = "" if isinstance(value, list) else f", {given(value)}"
        raise ValueError(f"expected a line for the shell, or [program, argument, ...]{shown}")
    return tuple(value) if isinstance(value, list) else ("sh", "-c", value)


def _path(value: str) -> str:
    if not value.startswith("/") or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError(f"expected a path as /health, {given(value)}")
    return value


Command = Annotated[
    tuple[str, ...],
    BeforeValidator(_command),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1},
                {"type": "array", "items": {"type": "string"}, "minItems": 1},
            ]
        }
    ),
]
Run = Annotated[int, Field(ge=1, le=1000)]


class CheckSpec(ShortForm):
    """A member is announced while its service answers.

    After ``fall`` failures in a row it is withdrawn; after ``rise`` answers in a row, and not
    before ``hold_down`` seconds have passed since, it is announced again. With ``fail_open`` it is
    not withdrawn while no other member of the group is announced.
    """

    short_form: ClassVar = {
        "enum": [*_SERVICES],
        "type": "string",
        "description": "What is asked, with the defaults.",
    }

    service: Service = Field(
        description="tcp: connects; http: status below 400; udp: the identity service answers; "
        "exec: a program ends with status 0."
    )
    port: Annotated[int, Field(ge=1, le=65535)] = Field(
        0, description="The port; if left out 4786 (identity), for http 80."
    )
    path: Annotated[str, AfterValidator(_path)] = Field("/", description="What http asks for.")
    command: Command = Field((), description="What exec runs in the node, from its own directory.")
    address: Literal["own", "service"] = Field(
        "own", description="Whom to ask: the node's own address, or the group's in this node."
    )
    interval: Annotated[Seconds, AfterValidator(_interval)] = Field(
        1.0, description="From one check to the next; no answer in it (or in 1s) is a failure."
    )
    fall: Run = Field(3, description="Failures in a row until the service is taken for dead.")
    rise: Run = Field(2, description="Answers in a row until it is taken for alive.")
    hold_down: Annotated[Seconds, AfterValidator(_hold_down)] = Field(
        2.0, alias="hold-down", description="The least time from a withdrawal to an announcement."
    )
    fail_open: bool = Field(
        True, alias="fail-open", description="Never withdraw the last that is announced."
    )

    @model_validator(mode="before")
    @classmethod
    def _from_short(cls, value: object) -> object:
        written: Any = {"service": value} if isinstance(value, str) else value
        if not isinstance(written, dict):
            raise ValueError(f"expected {_KNOWN}, or {{service: ..., ...}}")
        if written.get("service") == "exec" and "command" not in written:
            raise ValueError("exec needs a command: the program to run")
        port = _PORTS.get(str(written.get("service")))
        return written if port is None else {"port": port, **written}

    @field_validator(*_OWN)
    @classmethod
    def _is_of_the_service(cls, value: object, others: ValidationInfo) -> object:
        service, name = others.data.get("service"), others.field_name
        if service and service not in _OWN[name or ""]:
            raise ValueError(f"{name} is for {listed([*_OWN[name or '']])}, not for {service}")
        return value

    @property
    def resolved(self) -> Check:
        """The same for the floors above."""
        return Check(**dict(self))


def _something(value: object) -> object:
    if value is None:
        raise ValueError(f"expected {_KNOWN}, or {{service: ..., ...}}; nothing is written here")
    return value


Tie = Annotated[CheckSpec | None, BeforeValidator(_something)]
"""A member's check; None when it has none."""
