"""What every lab needs, and what makes labs better; mostly of the kernel proper."""

from __future__ import annotations

import os
from functools import partial

from anycastlab.kernel.features import links, programs, sockets
from anycastlab.kernel.features.feature import Feature
from anycastlab.kernel.features.remedies import allow_namespaces, kernel, module, say
from anycastlab.kernel.features.trial import UntriedError, isolated, trial
from anycastlab.kernel.syscalls import MS_NODEV, MS_NOSUID, mount


def _namespaces(as_nobody: bool = False) -> str:
    rootless = as_nobody or os.geteuid() != 0
    try:
        trial(_own_run if rootless else links.loopback, as_nobody)
    except UntriedError as error:
        raise OSError(error.errno, error.strerror) from None
    return "in a user namespace" if rootless else ""


def _own_run() -> str:
    """Bring lo up and hide /run, as a rootless lab does; the host's /run is out of reach here."""
    links.loopback()
    mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    return ""


NEEDED = (
    Feature(
        "namespaces",
        "each node is a network namespace, each lab a PID namespace",
        _namespaces,
        "no lab can come up",
        allow_namespaces,
        required=True,
    ),
    Feature(
        "veth",
        "links, made with both ends already in their nodes",
        isolated(links.veth),
        "no lab can come up",
        module("veth"),
        required=True,
    ),
    Feature(
        "IPv6",
        "every node and link is dual stack",
        isolated(sockets.ipv6),
        "no lab can come up",
        say("boot without ipv6.disable=1"),
        required=True,
    ),
    Feature(
        "packet taps",
        "AF_PACKET sockets record which instances received a probe",
        isolated(sockets.packet_tap),
        "no reception can be observed",
        module("af_packet"),
        required=True,
    ),
    Feature(
        "raw sockets",
        "probes are crafted packets",
        isolated(sockets.raw_socket),
        "nothing can be probed",
        allow_namespaces,
        required=True,
    ),
)

LAB = (
    Feature(
        "rootless",
        "ordinary users can bring labs up",
        partial(_namespaces, as_nobody=True),
        "labs need root",
        allow_namespaces,
    ),
    Feature(
        "open files",
        "the supervisor keeps one descriptor a node",
        programs.descriptors,
        "bigger labs cannot come up",
        say("ulimit -Hn 65536, as root"),
    ),
    Feature(
        "private procfs",
        "sysctls of a thousand nodes are set at once",
        isolated(sockets.procfs),
        "big labs come up slower: sysctls go through the mounted /proc",
        say("Linux 5.2 or newer, and a /proc that the container does not mask"),
    ),
    Feature(
        "bridge",
        "LANs",
        isolated(partial(links.link, "bridge")),
        "topologies with `lans:` cannot come up",
        module("bridge"),
    ),
    Feature(
        "multipath",
        "routes over all next hops of equal cost",
        isolated(links.ecmp),
        "where costs tie, topologies cannot come up",
        kernel("4.11", "IP_ROUTE_MULTIPATH"),
    ),
    Feature(
        "hash policy 3",
        "flows are spread over equal costs by the fields of their headers alone",
        isolated(
            partial(
                sockets.sysctls,
                ipv4__fib_multipath_hash_policy="3",
                ipv6__fib_multipath_hash_policy="3",
            )
        ),
        "where costs tie, a TCP session may change its instance after a retransmission",
        kernel("5.14", "IP_ROUTE_MULTIPATH"),
    ),
    Feature(
        "hash seed",
        "each router spreads flows in its own way",
        isolated(partial(sockets.sysctls, ipv4__fib_multipath_hash_seed="1")),
        "routers in a row choose alike, so some of several equally near instances stay idle",
        kernel("6.11", "IP_ROUTE_MULTIPATH"),
    ),
    Feature(
        "linkdown routes",
        "a route over a link that lost its carrier is passed over at once",
        isolated(
            partial(
                sockets.sysctls,
                ipv4__conf__all__ignore_routes_with_linkdown="1",
                ipv6__conf__all__ignore_routes_with_linkdown="1",
            )
        ),
        "a broken link attracts traffic until its routes are replaced",
        kernel("4.3", "IPV6"),
    ),
    Feature(
        "resilient next hops",
        "removing one of several equally near instances leaves the others' flows in place",
        isolated(links.resilient_group),
        "flows of surviving instances break too when a member leaves",
        kernel("5.13", "nexthop objects"),
    ),
)
