"""The sysctls of every node, by role. Nothing is left to what the host happens to have."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from anycastlab.errors import FeatureError
from anycastlab.kernel import namespace
from anycastlab.kernel.sysctl import SysctlWriter
from anycastlab.topology.network import Multipath, Node

_EVERY_NODE: Mapping[str, str] = {
    # an answer may come back another way than the request went: anycast makes that normal
    "ipv4/conf/all/rp_filter": "0",
    "ipv4/conf/default/rp_filter": "0",
    # a lost carrier withdraws the routes over it
    "ipv4/conf/all/ignore_routes_with_linkdown": "1",
    "ipv6/conf/all/ignore_routes_with_linkdown": "1",
    # addresses are usable at once; the lab assigns each just once where that matters
    "ipv6/conf/default/accept_dad": "0",
    "ipv6/conf/default/accept_ra": "0",
    "ipv6/conf/all/disable_ipv6": "0",
    "ipv6/conf/default/disable_ipv6": "0",
    # only the control plane says where packets go
    "ipv4/conf/all/accept_redirects": "0",
    "ipv4/conf/default/accept_redirects": "0",
    "ipv6/conf/all/accept_redirects": "0",
    "ipv6/conf/default/accept_redirects": "0",
    "ipv4/conf/all/send_redirects": "0",
    "ipv4/conf/default/send_redirects": "0",
    "ipv4/conf/all/accept_source_route": "0",
    "ipv4/conf/default/accept_source_route": "0",
    "ipv4/conf/all/proxy_arp": "0",
    "ipv4/conf/all/arp_filter": "0",
    "ipv4/conf/all/arp_ignore": "0",
    "ipv4/conf/all/accept_local": "0",
    "ipv4/conf/all/route_localnet": "0",
    "ipv4/conf/all/log_martians": "0",
    "ipv4/conf/default/log_martians": "0",
    # never speak ARP with the shared address as the sender: it would hijack the neighbours' caches
    "ipv4/conf/all/arp_announce": "2",
}

_POLICIES: Mapping[str, str] = {
    # Hash header fields only. A veth hands the sender's own socket hash on to the next namespace,
    # and policy 1 would use it: flows would jump after a retransmission, routers would agree.
    "header": "3",
    "l4": "1",
    "l3": "0",
}
_FIELDS = "55"
"""Of policy 3: addresses, protocol and ports."""

SEED = "ipv4/fib_multipath_hash_seed"
"""Both families, Linux 6.11 and later; another value in each router, or all choose alike."""


def _hashing(policy: str) -> Mapping[str, str]:
    return {
        f"{family}/fib_multipath_hash_{what}": value
        for family in ("ipv4", "ipv6")
        for what, value in (("policy", policy), ("fields", _FIELDS))
    }


@cache
def _common(forwards: bool, policy: str | None) -> Mapping[str, str]:
    forwarding = {
        "ipv4/ip_forward": str(int(forwards)),
        "ipv6/conf/all/forwarding": str(int(forwards)),
        "ipv6/conf/default/forwarding": str(int(forwards)),
    }
    # first: switching IPv4 forwarding sets other values back
    return {**forwarding, **_EVERY_NODE, **(_hashing(policy) if policy is not None else {})}


def sysctls(node: Node, number: int, multipath: Multipath) -> dict[str, str]:
    """What to write in *node*, the *number*-th of its lab: names below /proc/sys/net."""
    choices = len(node.interfaces) > 1
    wanted = dict(_common(node.forwards, _POLICIES[multipath.hash] if choices else None))
    if choices and multipath.seeds:
        wanted[SEED] = str(number + 1)
    return wanted


def names() -> tuple[str, ...]:
    """Every name any node may get."""
    return (*_common(True, _POLICIES["header"]), SEED)


def write_sysctls(node: str, held: int, values: Mapping[str, str]) -> None:
    """Write sysctls in a node's namespace. Raises FeatureError that names node and sysctl."""
    writer = SysctlWriter()
    try:
        with namespace.inside(held):
            for name, value in values.items():
                _write(writer, node, name, value)
    finally:
        writer.close()


def _write(writer: SysctlWriter, node: str, name: str, value: str) -> None:
    try:
        writer.write({name: value})
    except FileNotFoundError:
        raise FeatureError(f"node {node!r}: this kernel has no sysctl net/{name}") from None
    except OSError as error:
        raise FeatureError(
            f"node {node!r}: sysctl net/{name} does not take {value!r}: {error.strerror}"
        ) from error
