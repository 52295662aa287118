"""Topologies as text, and what loading them says."""

from __future__ import annotations

from anycastlab.errors import TopologyError
from anycastlab.topology.load import Document, load_text

EVERYTHING = """\
name: everything
description: Every key of the file format, in its short and its long form.
nodes:
  r1: router
  r2: {role: router, label: Second, addresses: 10.0.0.2}
  c1: client
  s1: {role: server, run: [http, {dns: {port: 53}}, {ntp: }]}
  s2: {role: server, addresses: [10.0.0.9, "2001:db8:99::9"]}
links:
  - [c1, r1]
  - {endpoints: [r1, r2], cost: [10, 20], delay: 5ms, jitter: 500us, loss: 1%, rate: 10mbit}
  - {endpoints: [s1, r1], cost: 3, subnet: 10.8.0.0/30}
  - {endpoints: [s2, r2], subnet: [10.8.1.0/31, "2001:db8:88::/64"]}
lans:
  lan1: {nodes: [r1, s1], subnet: 10.9.0.0/24, cost: 5}
  lan2: {nodes: [r1, r2, s2]}
anycast:
  A:
    addresses: [192.0.2.1, "2001:db8:77::1"]
    members: [s1, s2]
  B:
    members: {s1: {announce: bgp, prepend: 2}, r2: {check: tcp}}
  C: {addresses: 240.0.0.1, members: [s2]}
routing: {daemon: bird, protocol: ospf, area: 0}
experiment:
  - expect: {from: c1, to: A, instance: s1}
  - kill: s1
"""

SMALL = """\
name: small
nodes: {c1: client, r1: router, s1: server}
links: [[c1, r1], [r1, s1]]
anycast: {A: {members: [s1]}}
"""


def loaded(text: str) -> Document:
    """Load *text* as the file ``lab.yaml``."""
    return load_text(text, "lab.yaml")


def complaints(text: str) -> list[str]:
    """Return what is said about *text*, each as ``LINE:COLUMN: message``; empty if it loads."""
    try:
        loaded(text)
    except TopologyError as error:
        return [f"{each.line}:{each.column}: {each.message}" for each in error.problems]
    return []
