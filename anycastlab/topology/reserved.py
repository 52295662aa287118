"""Anycast addresses that every IPv6 subnet has by itself, and their names in the file.

The subnet-router anycast address is the prefix followed by zeros (RFC 4291, section 2.6.1). Of the
reserved ones (RFC 2526, section 2) the low 7 bits are a number and all bits of the interface
identifier before them are ones, but for the universal/local bit of an EUI-64 identifier.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network
from types import MappingProxyType

from anycastlab.topology.wording import nearest_or_all, quoted

MOBILE_IPV6_HOME_AGENTS = 0x7E
"""The number of the one use that RFC 2526 assigns (section 4.1)."""

_NUMBERS = 7
"""Bits of a reserved address's number."""
_UNIVERSAL = 1 << 57
"""The universal/local bit of a 64-bit interface identifier (RFC 4291, appendix A)."""
_MULTICAST = IPv6Network("ff00::/8")


def subnet_router(subnet: IPv6Network) -> IPv6Address:
    """Return the address that all routers of a subnet share."""
    return subnet.network_address


def unleavable(lan: str) -> str:
    """Say why no member gives up the address that all routers of a LAN share."""
    return (
        f"every router on {lan} has its subnet-router address by itself (RFC 4291, section 2.6.1), "
        "and cannot withdraw"
    )


def reserved(subnet: IPv6Network, number: int) -> IPv6Address:
    """Return a subnet's reserved anycast address of a number from 0 to 127.

    Raises ValueError where the subnet has no room for the numbers.
    """
    bits = subnet.max_prefixlen - subnet.prefixlen
    if bits < _NUMBERS or not 0 <= number < 1 << _NUMBERS:
        raise ValueError(f"{subnet} has no reserved anycast address {number} (RFC 2526, section 2)")
    identifier = (1 << bits) - (1 << _NUMBERS) | number
    if _has_eui64(subnet):
        identifier &= ~_UNIVERSAL
    return IPv6Address(int(subnet.network_address) | identifier)


def number_of(subnet: IPv6Network, address: IPv6Address) -> int | None:
    """Return which of a subnet's reserved anycast addresses it is; None if it is none."""
    number = int(address) & (1 << _NUMBERS) - 1
    roomy = subnet.max_prefixlen - subnet.prefixlen >= _NUMBERS
    return number if roomy and reserved(subnet, number) == address else None


def reserved_at_end(subnet: IPv6Network) -> int:
    """Return how many of a subnet's last addresses are reserved ones.

    In an EUI-64 subnet they are elsewhere, too far from its first addresses to be met; one with no
    more than 128 addresses would be left without any, and keeps them.
    """
    many = 1 << _NUMBERS
    return many if subnet.num_addresses > many and not _has_eui64(subnet) else 0


def _has_eui64(subnet: IPv6Network) -> bool:
    """Whether interface identifiers are EUI-64 there: all unicast but what begins with 000."""
    first = int(subnet.network_address)
    multicast = subnet.network_address in _MULTICAST
    return subnet.prefixlen == 64 and bool(first >> 125) and not multicast


def _home_agents(subnet: IPv6Network) -> IPv6Address:
    return reserved(subnet, MOBILE_IPV6_HOME_AGENTS)


_KINDS: Mapping[str, Callable[[IPv6Network], IPv6Address]] = MappingProxyType(
    {"subnet-router": subnet_router, "mobile-ipv6-home-agents": _home_agents}
)
_LONGEST: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "subnet-router": (126, "RFC 6164, section 6"),
        "mobile-ipv6-home-agents": (121, "RFC 2526, section 2"),
    }
)
"""The longest prefix that has such an address, and why."""
_WRITTEN = re.compile(r"([A-Za-z0-9-]+)\(\s*([^()]*?)\s*\)")


@dataclass(frozen=True, slots=True)
class NamedAddress:
    """A LAN's anycast address by its name, as ``subnet-router(lan1)``."""

    kind: str
    lan: str
    version: int = 6

    @classmethod
    def parse(cls, text: str) -> NamedAddress | None:
        """Read a name; None for what has not its form. Raises ValueError for an unknown one."""
        found = _WRITTEN.fullmatch(text)
        if found is None:
            return None
        if found[1] not in _KINDS:
            hint = nearest_or_all(found[1], _KINDS)
            raise ValueError(f"unknown anycast address {quoted(found[1])}{hint}")
        return cls(found[1], found[2])

    def refused_by(self, subnet: IPv6Network) -> str:
        """Return why the subnet has no such address; '' if it has one."""
        longest, rule = _LONGEST[self.kind]
        if subnet.prefixlen <= longest:
            return ""
        return f"{subnet} has no {self.kind} address: the longest prefix is /{longest} ({rule})"

    def of(self, subnet: IPv6Network) -> IPv6Address:
        """Return the address. Raises ValueError where the subnet has none."""
        return _KINDS[self.kind](subnet)

    def __str__(self) -> str:
        return f"{self.kind}({self.lan})"
