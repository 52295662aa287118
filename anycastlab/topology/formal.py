"""Check the rules of formal anycast addresses (RFC 2373, section 2.6), named ones among them."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv6Network

from anycastlab.topology.addresses import given
from anycastlab.topology.models import GroupSpec, LanSpec, MemberSpec, Topology
from anycastlab.topology.positions import Path
from anycastlab.topology.reporter import Reporter
from anycastlab.topology.reserved import NamedAddress, unleavable
from anycastlab.topology.wording import listed, nearest_or_all, quoted


def check_formal(topology: Topology, reporter: Reporter) -> None:
    """Report every address that its LAN does not have, or that its members must not hold."""
    for name, group in topology.anycast.items():
        for index, service in enumerate(group.addresses):
            where: Path = ("anycast", name, "addresses", index)
            if isinstance(service.address, NamedAddress):
                for problem in _misnamed(service.address, topology):
                    reporter.problem(where, problem)
                if lan := topology.lans.get(service.address.lan):
                    for problem in _absent(service.address, group, lan, topology):
                        reporter.problem(where, problem)
            if service.mode == "rfc2373":
                _check_holders(topology, reporter, name, str(service.address))


def _check_holders(topology: Topology, reporter: Reporter, name: str, address: str) -> None:
    group = topology.anycast[name]
    for suffix, member, _ in group.member_items():
        node = topology.nodes.get(member)
        if node is not None and node.role == "server":
            reporter.problem(
                ("anycast", name, *suffix),
                f"{member} is a server: of an address of mode rfc2373, as {address}, only routers "
                "are members (RFC 2373, section 2.6)",
                at_key=isinstance(group.members, dict),
            )
    if topology.routing.daemon != "kernel" and "(" not in address:
        message = f"{address}, of mode rfc2373, needs routing: kernel: a daemon does not see it"
        reporter.problem(("anycast", name), message, at_key=True)


def _misnamed(address: NamedAddress, topology: Topology) -> Iterator[str]:
    if address.lan not in topology.lans:
        yield f"unknown LAN {quoted(address.lan)}{nearest_or_all(address.lan, topology.lans)}"
        return
    subnet = given(topology.lans[address.lan].subnet, 6)
    if isinstance(subnet, IPv6Network) and (problem := address.refused_by(subnet)):
        yield problem


def _absent(
    address: NamedAddress, group: GroupSpec, lan: LanSpec, topology: Topology
) -> Iterator[str]:
    """Yield what is wrong with the members: they are on the LAN, and the kernel knows no others."""
    members = [member for _, member, _ in group.member_items()]
    for _, member, spec in group.member_items():
        if spec.announce != MemberSpec().announce:
            yield f"no route leads to {address}, so announce of member {member} is static"
        if address.kind == "subnet-router" and spec.check is not None:
            yield f"no check of member {member}: {unleavable(address.lan)}"
    for member in members:
        if member not in lan.nodes:
            yield f"member {member} is not on LAN {address.lan}, whose address this is"
    if address.kind == "subnet-router":
        routers = [
            node
            for node in lan.nodes
            if node in topology.nodes and topology.nodes[node].role == "router"
        ]
        if missing := [router for router in routers if router not in members]:
            yield (
                f"all routers on {address.lan} have this address (RFC 4291, section 2.6.1): "
                f"{listed(missing, 'and')} must be members too"
            )
