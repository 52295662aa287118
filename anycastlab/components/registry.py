"""The components by name: the built-in ones, and those that other packages bring."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from importlib.metadata import entry_points
from types import MappingProxyType

from anycastlab.components.base import Component
from anycastlab.errors import UsageError, did_you_mean

ENTRY_POINTS = "anycastlab.components"
"""The entry-point group of other packages' components: name = "module:Class"."""

_BUILT_IN: Mapping[str, str] = MappingProxyType(
    {
        "identity": "anycastlab.components.identity:Identity",
        "http": "anycastlab.components.http:Http",
        "health": "anycastlab.components.health:Health",
        "node-information": "anycastlab.components.node_information:NodeInformation",
        "pinning-endpoint": "anycastlab.components.pinning_endpoint:PinningEndpoint",
        "pinning-router": "anycastlab.components.pinning_router:PinningRouter",
        "quic": "anycastlab.components.quic:Quic",
        "program": "anycastlab.components.program:Program",
        "link-multicast": "anycastlab.components.link_multicast:LinkMulticast",
        "anycast-source-filter": (
            "anycastlab.components.anycast_source_filter:AnycastSourceFilter"
        ),
        "mss-clamp": "anycastlab.components.mss_clamp:MssClamp",
        "ptb-broadcast": "anycastlab.components.ptb_broadcast:PtbBroadcast",
        "stateful-firewall": "anycastlab.components.stateful_firewall:StatefulFirewall",
        "rfc1546-server": "anycastlab.components.rfc1546_server:Rfc1546Server",
        "rfc1546-client": "anycastlab.components.rfc1546_client:Rfc1546Client",
        "home-agent": "anycastlab.components.home_agent:HomeAgent",
        "srv6-end": "anycastlab.components.srv6.end:Srv6End",
        "srv6-via": "anycastlab.components.srv6.via:Srv6Via",
        "srv6-edge": "anycastlab.components.srv6.edge:Srv6Edge",
        "membership-host": "anycastlab.components.membership.host:MembershipHost",
        "membership-router": "anycastlab.components.membership.router:MembershipRouter",
    }
)


def names() -> list[str]:
    """The names of all components, other packages' included."""
    return sorted({*_BUILT_IN, *(point.name for point in entry_points(group=ENTRY_POINTS))})


def find(name: str) -> type[Component]:
    """The component of that name. Raises UsageError with the nearest known name."""
    if name in _BUILT_IN:
        module, _, attribute = _BUILT_IN[name].partition(":")
        kind: type[Component] = getattr(importlib.import_module(module), attribute)
    else:
        points = [p for p in entry_points(group=ENTRY_POINTS) if p.name == name]
        if not points:
            raise UsageError(f"no component {name!r}{did_you_mean(name, names())}")
        kind = points[0].load()
    return kind
