"""The topology file as written: the types of its keys, each short form in its long form.

What these types cannot see (that a name is a node's, that no two addresses collide) is in
:mod:`anycastlab.topology.checks` and :mod:`anycastlab.topology.collisions`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Self, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    model_validator,
)

from anycastlab.topology.announcing import Announce
from anycastlab.topology.forms import NotEmpty, OneOrMore, ShortForm, Strict
from anycastlab.topology.health import Tie
from anycastlab.topology.literals import AddressText, SubnetText
from anycastlab.topology.names import LAB_NAME_SCHEMA, NAME_SCHEMA
from anycastlab.topology.neighbour_spec import NeighbourSpec
from anycastlab.topology.network import Address, Impairment, Role
from anycastlab.topology.positions import Path
from anycastlab.topology.reserved import NamedAddress
from anycastlab.topology.routing_spec import RoutingSpec
from anycastlab.topology.service_address import ServiceAddress
from anycastlab.topology.settings import SysctlName, SysctlValue
from anycastlab.topology.units import BitsPerSecond, Seconds, Share
from anycastlab.topology.wording import given

# A link's metric has 16 bits in OSPF (RFC 2328, appendix A.4.2): one file for every control plane.
LARGEST_COST = 65535


def _check_cost(value: object) -> object:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or value not in range(1, LARGEST_COST + 1):
        raise ValueError(f"expected a whole number from 1 to {LARGEST_COST}, {given(value)}")
    return value


def _check_step(step: dict[str, Any]) -> dict[str, Any]:
    if len(step) != 1:
        raise ValueError(f"a step is one verb with its argument; this has {len(step)} keys")
    return step


Cost = Annotated[
    int,
    BeforeValidator(_check_cost),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": LARGEST_COST}),
]
Subnets = Annotated[list[SubnetText], OneOrMore()]
Step = Annotated[
    dict[str, Any],
    AfterValidator(_check_step),
    WithJsonSchema({"type": "object", "minProperties": 1, "maxProperties": 1}),
]


class RunSpec(Strict):
    """One entry of a node's ``run:``: a component's name, or ``{name: {its options}}``.

    The options' place in the file is ``("nodes", NODE, "run", INDEX, name, OPTION)``.
    """

    name: str
    options: dict[str, Any] = Field({})

    @model_validator(mode="before")
    @classmethod
    def _from_written(cls, value: object) -> object:
        if isinstance(value, str):
            return {"name": value}
        if isinstance(value, dict) and len(value) == 1:
            ((name, options),) = value.items()
            return {"name": name, "options": {} if options is None else options}
        raise ValueError("expected the name of a component, or {name: {its options}}")


RUN_SCHEMA = {
    "anyOf": [
        {"type": "string", "description": "A component, with its defaults."},
        {
            "type": "object",
            "description": "A component with its options: {name: {option: value}}.",
            "minProperties": 1,
            "maxProperties": 1,
        },
    ]
}


class NodeSpec(ShortForm):
    """A node: a router forwards, a client asks, a server answers."""

    short_form: ClassVar = {
        "enum": list(get_args(Role)),
        "type": "string",
        "description": "The node's role: a router forwards, a client asks, a server answers.",
    }

    role: Role = Field(description="A router forwards, a client asks, a server answers.")
    addresses: Annotated[list[AddressText], OneOrMore()] = Field(
        [], description="The node's own addresses, at most one of each family; else assigned."
    )
    run: list[Annotated[RunSpec, WithJsonSchema(RUN_SCHEMA)]] = Field(
        [], description="The components it runs: names, or {name: {its options}}."
    )
    sysctls: dict[SysctlName, SysctlValue] = Field(
        {}, description="Its own kernel settings: {net.ipv4.tcp_mtu_probing: 1}."
    )
    label: str = Field("", description="What pictures show in place of the name.")

    @model_validator(mode="before")
    @classmethod
    def _from_short(cls, value: object) -> object:
        if isinstance(value, str):
            return {"role": value}
        if not isinstance(value, dict):
            raise ValueError("expected a role (router, client or server), or {role: ..., ...}")
        return value


class LinkSpec(ShortForm):
    """A point-to-point link between two nodes."""

    short_form: ClassVar = {
        "type": "array",
        "items": {"type": "string"},
        "minItems": 2,
        "maxItems": 2,
        "description": "The two nodes; the cost is 1 each way.",
    }

    endpoints: list[str] = Field(min_length=2, max_length=2, description="The two nodes.")
    cost: Annotated[list[Cost], Field(min_length=1, max_length=2), OneOrMore()] = Field(
        [1], description="The cost both ways, or [there, back]."
    )
    delay: Seconds = Field(0.0, description="Added to each packet each way, as 5ms.")
    jitter: Seconds = Field(0.0, description="How much the delay varies, as 1ms.")
    loss: Share = Field(0.0, description="The share of packets lost each way, as 1%.")
    rate: BitsPerSecond | None = Field(None, description="The capacity each way, as 10mbit.")
    mtu: int = Field(1500, ge=1280, le=65535, description="The largest packet, in bytes.")
    subnet: Subnets = Field([], description="Its subnet, one of each family; else assigned.")

    @model_validator(mode="before")
    @classmethod
    def _from_short(cls, value: object) -> object:
        if isinstance(value, list):
            return {"endpoints": value}
        if not isinstance(value, dict):
            raise ValueError("expected the two nodes of a link, as [a, b] or {endpoints: [a, b]}")
        return value

    @property
    def impairment(self) -> Impairment | None:
        """What the link does to packets, None if nothing is written of it."""
        if self.model_fields_set.isdisjoint(("delay", "jitter", "loss", "rate")):
            return None
        return Impairment(self.delay, self.jitter, self.loss, self.rate)


class LanSpec(Strict):
    """A shared segment."""

    nodes: Annotated[list[str], NotEmpty("a LAN needs at least one node")] = Field(
        description="The nodes on it."
    )
    subnet: Subnets = Field([], description="Its subnet, one of each family; else assigned.")
    cost: Cost = Field(1, description="The cost to enter it.")


class MemberSpec(ShortForm):
    """How one member serves its group; a component reads the keys that are not named here."""

    model_config = ConfigDict(extra="allow")
    short_form: ClassVar = {"type": "null", "description": "A member with nothing to say."}

    announce: Announce = Field(
        "static",
        description="How the network learns that it is a member: from this file (static), from its "
        "routing daemon (rip, ospf, bgp, babel), from ExaBGP in the place of that (exabgp), or "
        "from its agent (mld, igmp, nd).",
    )
    check: Tie = Field(None, description="What its service must answer for it to be announced.")

    @model_validator(mode="before")
    @classmethod
    def _from_nothing(cls, value: object) -> object:
        return {} if value is None else value


def _form(members: object) -> str:
    return "mapping" if isinstance(members, dict) else "list"


_NO_MEMBER = NotEmpty("a group needs at least one member")


class GroupSpec(Strict):
    """An anycast group: service addresses that its members share."""

    addresses: Annotated[list[ServiceAddress], OneOrMore()] = Field(
        [], description="Its service addresses; if left out, one of each family is assigned."
    )
    count: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        None, description="So many groups, NAME1, NAME2, ...; given addresses are the first's."
    )
    registry: str = Field(
        "", description="Who assigned them: registries do not know of each other's addresses."
    )
    members: Annotated[
        Annotated[list[str], _NO_MEMBER, Tag("list")]
        | Annotated[dict[str, MemberSpec], _NO_MEMBER, Tag("mapping")],
        Discriminator(_form),
    ] = Field(description="The nodes that serve it: a list, or {node: {announce: ...}}.")

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        more = (self.count or 1) - 1
        for service in self.addresses if more else ():
            if isinstance(service.address, NamedAddress):
                raise ValueError(f"there is one {service.address}: leave count out")
            if int(service.address) + more >= 1 << service.address.max_prefixlen:
                raise ValueError(f"there are not {self.count} addresses from {service.address} on")
        return self

    def member_items(self) -> list[tuple[Path, str, MemberSpec]]:
        """Return each member with its path inside the group."""
        if isinstance(self.members, dict):
            return [(("members", name), name, spec) for name, spec in self.members.items()]
        plain = MemberSpec()
        return [(("members", index), name, plain) for index, name in enumerate(self.members)]

    def places(self, name: str) -> Iterator[tuple[str, int]]:
        """Yield the names of the groups it stands for, and how far their addresses are moved."""
        if self.count is None:
            yield name, 0
        else:
            yield from ((f"{name}{place + 1}", place) for place in range(self.count))

    def given(self, place: int) -> Iterator[Address | NamedAddress]:
        """Yield the given addresses of the group at one of its places."""
        for service in self.addresses:
            address = service.address
            yield address if isinstance(address, NamedAddress) else address + place


_NAMED: dict[str, Any] = {"propertyNames": NAME_SCHEMA}


class Topology(Strict):
    """A lab: its network and, optionally, the experiment to run in it."""

    name: Annotated[str, WithJsonSchema(LAB_NAME_SCHEMA)] = Field(description="The lab's name.")
    description: str = Field("", description="What the lab shows.")
    nodes: Annotated[dict[str, NodeSpec], NotEmpty("a lab needs at least one node")] = Field(
        description="The nodes by name.", json_schema_extra=_NAMED
    )
    links: list[LinkSpec] = Field([], description="The links: [a, b] or {endpoints: [a, b], ...}.")
    lans: dict[str, LanSpec] = Field(
        {}, description="The shared segments by name.", json_schema_extra=_NAMED
    )
    anycast: dict[str, GroupSpec] = Field(
        {}, description="The anycast groups by name.", json_schema_extra=_NAMED
    )
    neighbour: NeighbourSpec = Field(
        NeighbourSpec(), description="How long nodes on LANs believe what ARP and ND told them."
    )
    routing: RoutingSpec = Field(RoutingSpec(), description="How routes come about.")
    experiment: list[Step] = Field([], description="The steps in order, each {verb: its argument}.")

    @model_validator(mode="before")
    @classmethod
    def _without_empty_sections(cls, value: object) -> object:
        """Let ``links:`` with nothing after it be as good as no ``links:``."""
        if not isinstance(value, dict):
            raise ValueError("expected a topology: a mapping with the keys name, nodes, links, ...")
        required = {key for key, field in cls.model_fields.items() if field.is_required()}
        return {
            key: section for key, section in value.items() if section is not None or key in required
        }
