"""The options of `routing:` for a daemon: its protocols, their timers, BFD.

A timer that is left out (None) keeps the daemon's own default.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from anycastlab.errors import did_you_mean
from anycastlab.topology.forms import ShortForm, Strict
from anycastlab.topology.network import Routing
from anycastlab.topology.units import Seconds
from anycastlab.topology.wording import listed, quoted

PROTOCOLS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"bird": ("bgp", "ospf", "rip", "babel"), "frr": ("bgp", "ospf", "rip")}
)
"""What each daemon can speak, its default first."""

WITH_BFD: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"bird": ("bgp", "ospf", "rip"), "frr": ("bgp", "ospf")}
)
"""Their protocols that can use BFD: BIRD 2.0, FRR 8."""
MULTIPATH = frozenset({"bgp", "ospf", "rip"})
"""The protocols that use all equally near next hops."""

LEAST_FRR_RIP = 5
"""Seconds: FRR takes no shorter timers of RIP."""


def protocol_of(routing: Routing) -> str | None:
    """Return the protocol in use, a daemon's default when none is named; None for `kernel`."""
    known = PROTOCOLS.get(routing.daemon)
    return (routing.protocol or known[0]) if known else None


def _whole(value: float) -> float:
    if value != int(value) or value < 1:
        raise ValueError("expected whole seconds, at least 1s")
    return value


def _positive(value: float) -> float:
    if value < 0.01:
        raise ValueError("expected at least 10ms")
    return value


WholeSeconds = Annotated[Seconds, AfterValidator(_whole)]
SomeSeconds = Annotated[Seconds, AfterValidator(_positive)]


class Timers(ShortForm):
    """Timers of one protocol: a profile, and values that replace single ones of it."""

    short_form: ClassVar = {
        "enum": ["fast", "default"],
        "type": "string",
        "description": "fast: seconds, for a lab; default: the protocol's own.",
    }
    fast: ClassVar[Mapping[str, float]]
    ordered: ClassVar[tuple[str, str]]
    """Two timers of which the second must be the longer one, or nothing would stay up."""

    profile: Literal["fast", "default"] = "fast"

    @model_validator(mode="before")
    @classmethod
    def _from_profile(cls, value: object) -> object:
        written = {"profile": value} if isinstance(value, str) else value
        if not isinstance(written, dict):
            raise ValueError("expected fast, default, or {timer: seconds, ...}")
        if written.get("profile", "fast") != "fast":
            return written
        # what is in the profile is a number already, what is written a time with its unit
        return {**{name: f"{value}s" for name, value in cls.fast.items()}, **written}

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        short, long = self.ordered
        shorter, longer = getattr(self, short), getattr(self, long)
        if shorter is not None and longer is not None and shorter >= longer:
            raise ValueError(f"{long} must be longer than {short}")
        return self


class BgpTimers(Timers):
    """BGP (RFC 4271, section 10). ``connect`` is the time before a connection is tried again."""

    fast: ClassVar = {"hold": 3, "keepalive": 1, "connect": 1}
    ordered: ClassVar = ("keepalive", "hold")

    hold: WholeSeconds | None = None
    keepalive: WholeSeconds | None = None
    connect: WholeSeconds | None = None

    @model_validator(mode="after")
    def _hold_is_lawful(self) -> Self:
        if self.hold is not None and self.hold < 3:
            raise ValueError("hold must be at least 3s (RFC 4271, section 4.2)")
        return self


class OspfTimers(Timers):
    """OSPF (RFC 2328, appendix C.3)."""

    fast: ClassVar = {"hello": 1, "dead": 4, "retransmit": 2}
    ordered: ClassVar = ("hello", "dead")

    hello: WholeSeconds | None = None
    dead: WholeSeconds | None = None
    retransmit: WholeSeconds | None = None


class RipTimers(Timers):
    """RIP (RFC 2453, section 3.8)."""

    fast: ClassVar = {"update": 2, "timeout": 6, "garbage": 4}
    ordered: ClassVar = ("update", "timeout")

    update: WholeSeconds | None = None
    timeout: WholeSeconds | None = None
    garbage: WholeSeconds | None = None


class BabelTimers(Timers):
    """Babel (RFC 8966, appendix B)."""

    fast: ClassVar = {"hello": 0.5, "update": 2}
    ordered: ClassVar = ("hello", "update")

    hello: SomeSeconds | None = None
    update: SomeSeconds | None = None


TIMERS: Mapping[str, type[Timers]] = MappingProxyType(
    {"bgp": BgpTimers, "ospf": OspfTimers, "rip": RipTimers, "babel": BabelTimers}
)


class Bfd(ShortForm):
    """Bidirectional forwarding detection on every link (RFC 5880)."""

    short_form: ClassVar = {"const": True, "description": "BFD, every 50 ms, lost after 3."}

    interval: SomeSeconds = Field(0.05, description="The time between packets, each way.")
    multiplier: Annotated[int, Field(ge=1, le=255)] = Field(
        3, description="How many are missed before the link is lost."
    )

    @model_validator(mode="before")
    @classmethod
    def _from_switch(cls, value: object) -> object:
        if value is True:
            return {}
        if not isinstance(value, dict):
            raise ValueError("expected true, or {interval: 50ms, multiplier: 3}")
        return value


class _Options(Strict):
    """What every daemon's protocol takes."""

    bfd: Bfd | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_a_no(cls, value: object) -> object:
        if isinstance(value, dict) and value.get("bfd") is False:
            return {key: option for key, option in value.items() if key != "bfd"}
        return value


class BgpOptions(_Options):
    """`routing: {protocol: bgp, ...}`."""

    timers: BgpTimers = Field(default_factory=lambda: BgpTimers.model_validate("fast"))


class OspfOptions(_Options):
    """`routing: {protocol: ospf, ...}`."""

    timers: OspfTimers = Field(default_factory=lambda: OspfTimers.model_validate("fast"))


class RipOptions(_Options):
    """`routing: {protocol: rip, ...}`."""

    timers: RipTimers = Field(default_factory=lambda: RipTimers.model_validate("fast"))


class BabelOptions(_Options):
    """`routing: {protocol: babel, ...}`."""

    timers: BabelTimers = Field(default_factory=lambda: BabelTimers.model_validate("fast"))


RoutingOptions = BgpOptions | OspfOptions | RipOptions | BabelOptions

_OPTIONS: Mapping[str, type[RoutingOptions]] = MappingProxyType(
    {"bgp": BgpOptions, "ospf": OspfOptions, "rip": RipOptions, "babel": BabelOptions}
)


def unspeakable(daemon: str, protocol: str) -> str:
    """Return why a daemon cannot speak a protocol; '' when it can."""
    known = PROTOCOLS[daemon]
    speaks = f"{daemon} speaks {listed([*known], 'and')}, not {quoted(protocol)}"
    return "" if protocol in known else speaks + did_you_mean(protocol, known)


def without_bfd(daemon: str, protocol: str) -> str:
    """Return why a protocol of a daemon cannot use BFD; '' when it can."""
    if protocol in WITH_BFD[daemon]:
        return ""
    return f"{daemon} has no BFD for {protocol}; it has for {listed([*WITH_BFD[daemon]], 'and')}"


def options_model(protocol: str) -> type[RoutingOptions]:
    """Return the type of the options of a protocol."""
    return _OPTIONS[protocol]


def options_of(routing: Routing) -> RoutingOptions:
    """Return the checked options of a daemon's routing. Raises pydantic.ValidationError."""
    return _OPTIONS[protocol_of(routing) or ""].model_validate(dict(routing.options))
