"""The three ways of a member to be heard: MLD, our IGMP mirror of it, neighbour discovery.

To the agents they differ in their packets alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar

from anycastlab.components.membership import craft, wire
from anycastlab.components.membership.craft import Outgoing
from anycastlab.components.membership.wire import Kind, Message
from anycastlab.kernel import bpf
from anycastlab.kernel.bpf import Program
from anycastlab.topology.announcing import BY_AGENT
from anycastlab.topology.network import Family, Interface

_IPV4, _IPV6 = 0x0800, 0x86DD
_WHOLE, _NOTHING = bpf.keep(0xFFFF), bpf.keep(0)


class Dialect(ABC):
    """How agents of one kind speak to each other."""

    name: ClassVar[str]

    @property
    def family(self) -> Family:
        """Of the addresses it speaks of."""
        return BY_AGENT[self.name]

    @property
    def ethertype(self) -> int:
        """Of its packets."""
        return _IPV4 if self.family == 4 else _IPV6

    @abstractmethod
    def parse(self, packet: bytes) -> Message | None:
        """Read a packet; None if it is for somebody else. Raises wire.Malformed."""

    @abstractmethod
    def router_filter(self) -> Program:
        """What a router's agent reads."""

    @abstractmethod
    def host_filter(self) -> Program | None:
        """What a host's agent reads; None if it does not listen."""

    @abstractmethod
    def general(
        self, near: Interface, addresses: Iterable[bytes], delay: float
    ) -> Iterator[Outgoing]:
        """Ask who is a member: of anything, or of these *addresses* if they must be named."""

    @abstractmethod
    def specific(self, near: Interface, address: bytes, delay: float) -> Outgoing:
        """Ask who is a member for one address still; *delay* (s) is the last-listener interval."""

    def said(self, kind: Kind, near: Interface, address: bytes) -> Outgoing | None:
        """What a host's agent says when it joins or leaves; None if it says nothing."""
        return None

    def sender(self, message: Message, mac: bytes) -> bytes:
        """By what a sender is known."""
        return message.source

    @abstractmethod
    def identity(self, far: Interface) -> bytes:
        """By what a member at this interface is known."""


class Mld(Dialect):
    """draft-haberman-ipngwg-host-anycast-01, section 4."""

    name = "mld"

    def parse(self, packet: bytes) -> Message | None:
        """Read one."""
        return wire.mld(packet)

    def router_filter(self) -> Program:
        """MLD to a multicast group, without the kernel's own MLDv2; reports that lack the alert."""
        return bpf.assemble(
            bpf.load_half(24),
            bpf.equal(0xFF02, otherwise="no"),
            bpf.load_byte(6),
            bpf.equal(wire.HOP_BY_HOP, then="mld"),
            bpf.equal(wire.ICMPV6, otherwise="no"),
            bpf.load_byte(40),
            bpf.equal(131, then="yes"),
            bpf.equal(132, then="yes", otherwise="no"),
            bpf.here("mld"),
            bpf.load_word(36),
            bpf.equal(0x16, then="no"),
            bpf.here("yes"),
            _WHOLE,
            bpf.here("no"),
            _NOTHING,
        )

    def host_filter(self) -> Program:
        """Queries."""
        return bpf.assemble(
            bpf.load_byte(6),
            bpf.equal(wire.HOP_BY_HOP, otherwise="no"),
            bpf.load_byte(48),
            bpf.equal(130, otherwise="no"),
            _WHOLE,
            bpf.here("no"),
            _NOTHING,
        )

    def general(
        self, near: Interface, addresses: Iterable[bytes], delay: float
    ) -> Iterator[Outgoing]:
        """One query to all nodes."""
        yield craft.mld("query", near.link_local, wire.NOBODY[6], delay)

    def specific(self, near: Interface, address: bytes, delay: float) -> Outgoing:
        """To the solicited nodes of the address, to be answered at once."""
        return craft.mld("query", near.link_local, address)

    def said(self, kind: Kind, near: Interface, address: bytes) -> Outgoing:
        """A report or a done, to all routers."""
        return craft.mld(kind, near.link_local, address)

    def identity(self, far: Interface) -> bytes:
        """Its link-local address."""
        return far.link_local


class Igmp(Dialect):
    """IGMPv2's messages with a unicast address in them: this lab's own, published nowhere."""

    name = "igmp"

    def parse(self, packet: bytes) -> Message | None:
        """Read one."""
        return wire.igmp(packet)

    def _filter(self, *destinations: int) -> Program:
        return bpf.assemble(
            bpf.load_byte(9),
            bpf.equal(wire.IGMP, otherwise="no"),
            bpf.load_word(16),
            *(bpf.equal(destination, then="yes") for destination in destinations),
            bpf.here("no"),
            _NOTHING,
            bpf.here("yes"),
            _WHOLE,
        )

    def router_filter(self) -> Program:
        """What is for all routers, and other routers' queries."""
        return self._filter(0xE0000002, 0xE0000001)

    def host_filter(self) -> Program:
        """What is for all nodes."""
        return self._filter(0xE0000001)

    def general(
        self, near: Interface, addresses: Iterable[bytes], delay: float
    ) -> Iterator[Outgoing]:
        """One query to all nodes."""
        yield craft.igmp("query", near.ipv4.ip.packed, wire.NOBODY[4], delay)

    def specific(self, near: Interface, address: bytes, delay: float) -> Outgoing:
        """A query for the address, to all nodes; a delay of 0 would make it one of IGMPv1."""
        return craft.igmp("query", near.ipv4.ip.packed, address, delay)

    def said(self, kind: Kind, near: Interface, address: bytes) -> Outgoing:
        """A report or a leave, to all routers."""
        return craft.igmp(kind, near.ipv4.ip.packed, address)

    def identity(self, far: Interface) -> bytes:
        """Its address on the link."""
        return far.ipv4.ip.packed


class Nd(Dialect):
    """Polls by neighbour solicitation (RFC 4861); the host's kernel answers, no agent."""

    name = "nd"

    def parse(self, packet: bytes) -> Message | None:
        """Read one."""
        return wire.advertisement(packet)

    def router_filter(self) -> Program:
        """Neighbour advertisements."""
        return bpf.assemble(
            bpf.load_byte(6),
            bpf.equal(wire.ICMPV6, otherwise="no"),
            bpf.load_byte(40),
            bpf.equal(wire.ADVERTISEMENT, otherwise="no"),
            _WHOLE,
            bpf.here("no"),
            _NOTHING,
        )

    def host_filter(self) -> None:
        """Nothing."""

    def general(
        self, near: Interface, addresses: Iterable[bytes], delay: float
    ) -> Iterator[Outgoing]:
        """A solicitation for each address."""
        for address in addresses:
            yield self.specific(near, address, delay)

    def specific(self, near: Interface, address: bytes, delay: float) -> Outgoing:
        """A solicitation."""
        return craft.solicitation(near.link_local, near.mac, address)

    def sender(self, message: Message, mac: bytes) -> bytes:
        """Its link address: the answer comes from the address that was asked for."""
        return mac

    def identity(self, far: Interface) -> bytes:
        """Its link address."""
        return far.mac


DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {dialect.name: dialect for dialect in (Mld(), Igmp(), Nd())}
)
