"""``routing:`` of the topology file as written."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field, ValidationInfo, field_validator, model_validator

from anycastlab.topology.forms import OneOrMore, ShortForm
from anycastlab.topology.multipath import MultipathSpec
from anycastlab.topology.policy_models import AggregateSpec, FilterSpec
from anycastlab.topology.units import Seconds


class RoutingSpec(ShortForm):
    """How routes come about; a daemon's component reads the keys that are not named here."""

    model_config = ConfigDict(extra="allow")
    short_form: ClassVar = {
        "enum": ["kernel", "bird", "frr"],
        "type": "string",
        "description": "kernel: shortest paths by the lab itself; bird, frr: a routing daemon.",
    }

    daemon: Literal["kernel", "bird", "frr"] = Field(
        "kernel", description="kernel: shortest paths by the lab itself; bird, frr: a daemon."
    )
    protocol: str | None = Field(None, description="What the daemon speaks, as ospf or bgp.")
    tables: Literal["auto", "full", "compact"] = Field(
        "auto", description="full: a route to every node's address; compact: fewer, for big labs."
    )
    multipath: MultipathSpec = Field(
        MultipathSpec(), description="How routers choose among equally near next hops."
    )
    detect: Seconds = Field(
        0.0, description="kernel: the time until the routers beside a fault see it, as 300ms."
    )
    spread: Seconds = Field(
        0.0, description="kernel: the time the news takes for each hop outward, as 50ms."
    )

    aggregate: Annotated[list[AggregateSpec], OneOrMore()] = Field(
        [], description="kernel: borders that announce one covering prefix for many host routes."
    )
    filter: Annotated[list[FilterSpec], OneOrMore()] = Field(
        [], description="kernel: routers that accept no long prefixes."
    )

    @model_validator(mode="before")
    @classmethod
    def _from_short(cls, value: object) -> object:
        if isinstance(value, str):
            return {"daemon": value}
        if not isinstance(value, dict):
            raise ValueError("expected kernel, bird or frr, or {daemon: ..., ...}")
        return value

    @field_validator("detect", "spread")
    @classmethod
    def _daemons_have_their_own_time(cls, value: float, others: ValidationInfo) -> float:
        daemon = others.data.get("daemon", "kernel")
        if value and daemon != "kernel":
            raise ValueError(f"{daemon} converges in its own time: give it timers")
        return value

    @field_validator("multipath")
    @classmethod
    def _daemons_write_their_own_routes(
        cls, value: MultipathSpec, others: ValidationInfo
    ) -> MultipathSpec:
        if problem := value.refused_by(others.data.get("daemon", "kernel")):
            raise ValueError(problem)
        return value
