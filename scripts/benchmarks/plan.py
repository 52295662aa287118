"""What bringing a network up does, written down for the C floor: the product's own bytes.

A plan is a binary file of little-endian 32-bit numbers and of counted bytes:

    number of namespaces; for each
        name, ended by a zero
        number of sysctls; for each: path below a procfs, ended by a zero; value
        netlink messages to send in it
    number of links, size of one message, where in it stand the near and the far descriptor
    for each link: the numbers of its two namespaces
    the messages that make the links
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from anycastlab.kernel import namespace
from anycastlab.kernel.sysctl import SysctlWriter
from anycastlab.lab import names, sysctls, wiring
from anycastlab.lab.multipath import writers
from anycastlab.routing.forwarding import forwarding
from anycastlab.topology.network import Interface, Network

_NEAR, _FAR = 0x11223344, 0x55667788


def write_plan(network: Network, path: Path) -> None:
    """Write the plan of a network without LANs to *path*. Needs root."""
    assert not network.lans
    tables, routes = forwarding(network), writers(network)
    multipath = network.routing.multipath
    links = _links_of(network)
    parts = [number(len(network.nodes))]
    with _taught_writer() as writer:
        for place, (name, node) in enumerate(network.nodes.items()):
            batch = wiring.loopback_messages(node, network)
            for end, peer in links[name]:
                batch += wiring.link_end_messages(end, peer)
            batch += routes[name].put(tables[name])
            parts.append(text(names.netns_name(network.name, name)))
            wanted = writer.needed(sysctls.sysctls(node, place, multipath))
            parts.append(number(len(wanted)))
            for sysctl, value in wanted.items():
                parts += [text(f"sys/net/{sysctl}"), counted(value.encode())]
            parts.append(counted(b"".join(batch)))
    parts += _links(network)
    path.write_bytes(b"".join(parts))


@contextmanager
def _taught_writer() -> Iterator[SysctlWriter]:
    """A writer that knows what a fresh namespace has, as the supervisor's does."""
    writer = SysctlWriter()
    with namespace.returning_home():
        fresh = namespace.create()
        try:
            writer.learn(sysctls.names())
            yield writer
        finally:
            writer.close()
            os.close(fresh)


def number(value: int) -> bytes:
    """A number as the C programs read it."""
    return struct.pack("<I", value)


def counted(data: bytes) -> bytes:
    """Bytes after their number, as the C programs read them."""
    return number(len(data)) + data


def text(words: str) -> bytes:
    """A text ended by a zero, after its length."""
    return counted(words.encode() + b"\0")


def _links_of(network: Network) -> Mapping[str, list[tuple[Interface, Interface]]]:
    found: dict[str, list[tuple[Interface, Interface]]] = {name: [] for name in network.nodes}
    for link in network.links:
        found[link.a.node].append((link.a, link.b))
        found[link.b.node].append((link.b, link.a))
    return found


def _links(network: Network) -> Iterable[bytes]:
    place = {name: at for at, name in enumerate(network.nodes)}
    messages = [
        wiring.link_veth(link, {link.a.node: _NEAR, link.b.node: _FAR}) for link in network.links
    ]
    assert len({len(message) for message in messages}) == 1, "one patch position fits all"
    yield number(len(messages))
    yield number(len(messages[0]))
    yield number(messages[0].index(number(_NEAR)))
    yield number(messages[0].index(number(_FAR)))
    for link in network.links:
        yield number(place[link.a.node]) + number(place[link.b.node])
    yield from messages
