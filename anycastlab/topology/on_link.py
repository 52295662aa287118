"""Service addresses of a LAN's own subnet: found by ARP or Neighbour Discovery.

Only a subnet that the file gives has such addresses: an assigned one is nobody's intention.
"""

from __future__ import annotations

from collections.abc import Iterator

from anycastlab.topology.models import GroupSpec, MemberSpec, Topology
from anycastlab.topology.network import Address
from anycastlab.topology.positions import Path
from anycastlab.topology.reporter import Reporter
from anycastlab.topology.reserved import NamedAddress


def lan_of(topology: Topology, address: Address) -> str | None:
    """Return the LAN whose given subnet has an address; None for any other."""
    for name, lan in topology.lans.items():
        if any(address in subnet for subnet in lan.subnet if subnet.version == address.version):
            return name
    return None


def lans_of(topology: Topology, group: GroupSpec) -> Iterator[str]:
    """Yield the LANs whose own addresses a group has, by name or as written."""
    for service in group.addresses:
        address = service.address
        lan = address.lan if isinstance(address, NamedAddress) else lan_of(topology, address)
        if lan:
            yield lan


def check_on_link(topology: Topology, reporter: Reporter) -> None:
    """Report members that are not on the LAN of their group's address, or tell routers of it."""
    for name, group in topology.anycast.items():
        at_key, said = isinstance(group.members, dict), set[Path]()
        for index, lan, address in _on_link(topology, group):
            if topology.routing.daemon != "kernel":
                message = f"{address}, of LAN {lan}, needs routing: kernel: a daemon would"
                where: Path = ("anycast", name, "addresses", index)
                reporter.problem(where, f"{message} announce a route of its own to it")
                continue
            for path, problem in _misplaced(topology, group, lan, address):
                if path not in said:
                    reporter.problem(("anycast", name, *path), problem, at_key=at_key)
                    said.add(path)


def _on_link(topology: Topology, group: GroupSpec) -> Iterator[tuple[int, str, Address]]:
    """Yield which of a group's addresses as written are of which LAN; names are not among them."""
    for index, service in enumerate(group.addresses):
        address = service.address
        if not isinstance(address, NamedAddress) and (lan := lan_of(topology, address)):
            yield index, lan, address


def _misplaced(
    topology: Topology, group: GroupSpec, lan: str, address: Address
) -> Iterator[tuple[Path, str]]:
    for path, member, spec in group.member_items():
        if member in topology.nodes and member not in topology.lans[lan].nodes:
            yield path, f"{member} is not on LAN {lan}, whose subnet {address} is of"
        elif spec.announce != MemberSpec().announce:
            yield path, f"{address} is of LAN {lan}: no route leads to it, so announce is static"
