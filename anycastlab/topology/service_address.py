"""One of a group's service addresses as written: the address or its name, and how it is held."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from anycastlab.topology.forms import ShortForm
from anycastlab.topology.literals import parse_address
from anycastlab.topology.network import Address, Mode
from anycastlab.topology.reserved import NamedAddress


def _parse(value: object) -> Address | NamedAddress:
    named = NamedAddress.parse(value) if isinstance(value, str) else None
    return named or parse_address(value)


class ServiceAddress(ShortForm):
    """A service address, or ``{address: ..., mode: ...}``."""

    short_form: ClassVar = {
        "type": "string",
        "examples": ["192.0.2.1", "subnet-router(lan1)", "mobile-ipv6-home-agents(lan1)"],
        "description": "An address, or a LAN's anycast address by its name.",
    }

    address: Annotated[
        Address | NamedAddress, PlainValidator(_parse), WithJsonSchema({"type": "string"})
    ] = Field(description="An address, or a LAN's anycast address by its name.")
    written_mode: Mode | None = Field(
        None,
        alias="mode",
        description="shared-unicast: each member has it as its own (RFC 4291); rfc2373: the "
        "kernel's own anycast, on routers only, never a source.",
    )

    @model_validator(mode="before")
    @classmethod
    def _from_short(cls, value: object) -> object:
        return value if isinstance(value, dict) else {"address": value}

    @model_validator(mode="after")
    def _lawful(self) -> Self:
        if self.address.version == 4 and self.written_mode == "rfc2373":
            raise ValueError("mode rfc2373 is of IPv6: IPv4 has no anycast of the kernel's own")
        if isinstance(self.address, NamedAddress) and self.written_mode == "shared-unicast":
            raise ValueError(f"{self.address} is never unicast (RFC 4291, section 2.6.1; RFC 2526)")
        return self

    @property
    def mode(self) -> Mode:
        """How the members hold it: as written; what every subnet has is the kernel's own."""
        named = isinstance(self.address, NamedAddress)
        return self.written_mode or ("rfc2373" if named else "shared-unicast")
