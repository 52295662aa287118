"""Compare the kernel's tables with the prediction, and wait until they agree."""

from __future__ import annotations

import errno
import select
import time
from collections.abc import Collection, Mapping
from ipaddress import ip_address
from socket import AF_INET, AF_INET6

from anycastlab.kernel import routes
from anycastlab.kernel.netlink import Netlink
from anycastlab.routing.table import Hops, Prefix, Table
from anycastlab.topology.network import Interface, Network

_HOST_BITS = {4: 32, 16: 128}


class Expectation:
    """What one router's table must hold, and must not.

    Service addresses need the predicted next hops (of a protocol without multipath, one of them);
    for all other hosts it is enough that there is a route.
    """

    def __init__(
        self,
        network: Network,
        router: str,
        table: Table,
        never: Collection[Prefix] = (),
        multipath: bool = True,
    ) -> None:
        """*table* is the predicted one; the prefixes in *never* are too far for the protocol."""
        self._router = router
        self._multipath = multipath
        self._services = dict.fromkeys(
            Prefix(address.packed, address.max_prefixlen)
            for group in network.groups.values()
            if router not in group.instances
            for address in group.addresses
        )
        self._table = {
            prefix: hops
            for prefix, hops in table.items()
            if prefix.length == _HOST_BITS[len(prefix.address)] and prefix not in never
        }
        self._alias = _aliases(network)

    def missing(self, actual: Table) -> tuple[Prefix, str] | None:
        """The first prefix that is not as it should be, and what is wrong; None when all are."""
        for prefix, hops in self._table.items():
            if not actual.get(prefix):
                return prefix, f"{self._router} has no route to {_shown(prefix)} yet"
            if prefix in self._services and not self._agree(actual[prefix], hops):
                return prefix, f"{self._router} still has another way to {_shown(prefix)}"
        for prefix in self._services:
            if prefix not in self._table and actual.get(prefix):
                return prefix, f"{self._router} still has a route to {_shown(prefix)}"
        return None

    def _agree(self, actual: Hops, predicted: Hops) -> bool:
        known = {(index, self._alias.get((index, gateway), gateway)) for index, gateway in actual}
        return known == {*predicted} if self._multipath else known <= {*predicted}


def _shown(prefix: Prefix) -> str:
    return str(ip_address(prefix.address))


def _aliases(network: Network) -> Mapping[tuple[int, bytes], bytes]:
    """(own interface, link-local address of a neighbour) -> that neighbour's global address."""
    segments: list[tuple[Interface, ...]] = [(link.a, link.b) for link in network.links]
    segments += [lan.ports for lan in network.lans]
    return {
        (here.index, there.link_local): there.ipv6.packed
        for ends in segments
        for here in ends
        for there in ends
        if here is not there
    }


def kernel_table(netlink: Netlink) -> Table:
    """Both families of a namespace's main table."""
    return routes.table(
        payload
        for family in (AF_INET, AF_INET6)
        for payload in netlink.dump(routes.request(family))
    )


def wait_for(
    namespace: int, expectation: Expectation, deadline: float, daemons: Collection[int]
) -> str:
    """Wait until a table is as expected; return '' or what is wrong when waiting was over.

    That is at *deadline* (on the monotonic clock), or when one of *daemons*, descriptors of
    processes, has ended: then there is nothing to wait for.
    """
    with Netlink(namespace, routes.GROUPS) as events, Netlink(namespace) as reader:
        poll = select.poll()
        for descriptor in (events.socket.fileno(), *daemons):
            poll.register(descriptor, select.POLLIN)
        while wrong := expectation.missing(kernel_table(reader)):
            prefix, text = wrong
            while True:
                left = deadline - time.monotonic()
                ready = {descriptor for descriptor, _ in poll.poll(max(left, 0) * 1000)}
                if ready != {events.socket.fileno()}:
                    return text
                if _names(events, prefix):
                    break
    return ""


def _names(events: Netlink, prefix: Prefix) -> bool:
    """Whether the next events are about *prefix*, or some were lost that may have been."""
    try:
        return prefix.address in events.socket.recv(1 << 16)
    except OSError as error:
        if error.errno != errno.ENOBUFS:
            raise
        return True
