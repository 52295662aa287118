"""What `routing:` says of borders: prefixes announced as one, and prefixes not accepted."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from anycastlab.topology.forms import NotEmpty, OneOrMore, Strict
from anycastlab.topology.literals import SubnetText

Neighbours = Annotated[list[str], NotEmpty("expected at least one router"), OneOrMore()]


class AggregateSpec(Strict):
    """A border that announces a covering prefix outward, and no more-specific of it."""

    at: str = Field(description="The router at the border; it has a discard route for the prefix.")
    prefix: Annotated[list[SubnetText], OneOrMore()] = Field(
        min_length=1, description="The covering prefixes, as 198.18.0.0/22."
    )
    towards: Neighbours = Field(description="The neighbouring routers that are outside.")


class LongestSpec(Strict):
    """The longest prefix length of each family that is accepted."""

    ipv4: Annotated[int, Field(ge=0, le=32)] = Field(32, description="Of IPv4, as 24.")
    ipv6: Annotated[int, Field(ge=0, le=128)] = Field(128, description="Of IPv6, as 48.")


class FilterSpec(Strict):
    """A router that accepts no prefix longer than these from its neighbours (RFC 7454, 6.1.3)."""

    at: str = Field(description="The router that does not accept them.")
    longest: LongestSpec = Field(description="{ipv4: 24, ipv6: 48}: longer ones are not accepted.")
    origin: Annotated[list[str], OneOrMore()] = Field(
        [], alias="from", description="The neighbours it filters; by default all routers."
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.longest.model_fields_set:
            raise ValueError("filters nothing: give longest: {ipv4: 24, ipv6: 48}")
        return self
