"""Addresses and subnets as a person writes them."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_interface, ip_network
from typing import Annotated

from pydantic import PlainValidator, WithJsonSchema

from anycastlab.topology.network import Address
from anycastlab.topology.wording import given, quoted

Subnet = IPv4Network | IPv6Network

_THIS_NETWORK = IPv4Network("0.0.0.0/8")


def parse_address(value: object) -> Address:
    """Return the address written as ``192.0.2.1`` or ``2001:db8::1``; raise ValueError."""
    if not isinstance(value, str) or "%" in value:
        raise ValueError(f"expected an IPv4 or IPv6 address, {given(value)}")
    if "/" in value and (alone := _without_prefix(value)):
        raise ValueError(f"this address has no prefix length: write {alone}")
    try:
        return ip_address(value)
    except ValueError:
        raise ValueError(f"{quoted(value)} is not an IPv4 or IPv6 address") from None


def _without_prefix(text: str) -> str | None:
    try:
        return str(ip_interface(text).ip)
    except ValueError:
        return None


def parse_subnet(value: object) -> Subnet:
    """Return the subnet written as ``10.9.0.0/24`` or ``2001:db8:9::/64``; raise ValueError."""
    if not isinstance(value, str) or "/" not in value or "%" in value:
        raise ValueError(f"expected a subnet, as 10.9.0.0/24 or 2001:db8:9::/64, {given(value)}")
    try:
        subnet = ip_network(value, strict=False)
    except ValueError:
        raise ValueError(f"{quoted(value)} is not an IPv4 or IPv6 subnet") from None
    if subnet.network_address != ip_interface(value).ip:
        raise ValueError(f"{quoted(value)} has host bits set; did you mean {str(subnet)!r}?")
    return subnet


def not_unicast(address: Address) -> str | None:
    """Return what *address* is when no node can have it, or None.

    240.0.0.0/4 passes: Linux routes it, and RFC 1546 asks for a class of addresses of its own.
    """
    kinds = {
        "a multicast address": address.is_multicast,
        "a loopback address": address.is_loopback,
        "an unspecified address": address.is_unspecified or address in _THIS_NETWORK,
        "a link-local address": address.is_link_local,
        "the broadcast address": str(address) == "255.255.255.255",
        "an IPv4-mapped address": getattr(address, "ipv4_mapped", None) is not None,
    }
    return next((kind for kind, applies in kinds.items() if applies), None)


def _schema(example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "examples": [example]})


AddressText = Annotated[Address, PlainValidator(parse_address), _schema("192.0.2.1")]
SubnetText = Annotated[Subnet, PlainValidator(parse_subnet), _schema("10.9.0.0/24")]
