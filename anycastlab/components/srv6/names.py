"""What options name, and the IPv6 addresses of it."""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import Annotated

from pydantic import BeforeValidator, Field

from anycastlab.errors import UsageError, did_you_mean
from anycastlab.topology.network import Network

IPROUTE2 = "iproute2"


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Names = Annotated[list[str], BeforeValidator(_as_list), Field(min_length=1)]
"""One name, or a list of them."""


def ipv6_of(network: Network, name: str) -> IPv6Address:
    """Return the IPv6 address of a group, or of a node. Raises UsageError."""
    group, node = network.groups.get(name), network.nodes.get(name)
    if group is not None:
        for address in group.addresses:
            if isinstance(address, IPv6Address):
                return address
        raise UsageError(f"group {name!r} has no IPv6 address")
    if node is None:
        raise UsageError(f"no group or node {name!r}{did_you_mean(name, network.groups)}")
    return node.ipv6
