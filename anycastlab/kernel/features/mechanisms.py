"""What single mechanisms of a topology need; mostly modules of stock kernels."""

from __future__ import annotations

from functools import partial

from anycastlab.kernel.features import links, programs, sockets
from anycastlab.kernel.features.feature import Feature
from anycastlab.kernel.features.remedies import kernel, module, say
from anycastlab.kernel.features.trial import isolated

MECHANISMS = (
    Feature(
        "netem",
        "delay, jitter and loss of links",
        isolated(partial(links.qdisc, "netem", delay=1000)),
        "links with delay or loss use the built-in wire in user space",
        module("sch_netem"),
    ),
    Feature(
        "tbf",
        "rates of links",
        isolated(partial(links.qdisc, "tbf", rate="10mbit", burst=15000, latency="50ms")),
        "links have no rate limit",
        module("sch_tbf"),
    ),
    Feature(
        "nft balancing",
        "rules that spread connections: numgen and jhash",
        isolated(partial(programs.nft_rules, programs.BALANCING)),
        "no load balancer in front of instances, no pinning of TCP sessions",
        module("nft_numgen"),
    ),
    Feature(
        "nft queue",
        "packets handed to a program",
        isolated(partial(programs.nft_rules, "queue num 0")),
        "packets can be queued by iptables-nft (NFQUEUE) only",
        module("nft_queue"),
    ),
    Feature(
        "tun",
        "6to4 relays and other tunnels in user space",
        isolated(sockets.tun),
        "tunnels in user space need a veth with a packet socket instead",
        say("sudo modprobe tun; for ordinary users: sudo chmod 666 /dev/net/tun"),
    ),
    Feature(
        "IPv6 anycast",
        "addresses of RFC 4291, section 2.6, kept by the kernel",
        isolated(sockets.join_anycast),
        "IPv6 service addresses are shared unicast addresses only",
        say("boot without ipv6.disable=1"),
    ),
    Feature(
        "SRv6",
        "routes through an anycast segment",
        isolated(links.segment_routing),
        "no segment routing",
        kernel("4.14", "IPV6_SEG6_LWTUNNEL"),
    ),
    Feature(
        "multicast routing",
        "anycast rendezvous points (RFC 4610)",
        isolated(sockets.multicast_routing),
        "no multicast with anycast rendezvous points",
        kernel("2.6", "IP_MROUTE"),
    ),
    Feature(
        "IPVS",
        "the kernel's own load balancer",
        isolated(sockets.ipvs),
        "load balancing by nft only",
        module("ip_vs"),
    ),
    Feature(
        "vxlan",
        "tunnels between routers",
        isolated(partial(links.link, "vxlan", vxlan_external=True, vxlan_port=4789)),
        "tunnels of another kind, or in user space",
        module("vxlan"),
    ),
    Feature(
        "sit",
        "6to4 in the kernel",
        isolated(partial(links.link, "sit", sit_local="192.0.2.1")),
        "6to4 runs in user space, over tun",
        module("sit"),
    ),
    Feature(
        "gre",
        "tunnels between routers",
        isolated(partial(links.link, "gre", gre_local="192.0.2.1", gre_remote="192.0.2.2")),
        "tunnels of another kind, or in user space",
        module("ip_gre"),
    ),
    Feature(
        "ipip",
        "tunnels between routers and load balancers",
        isolated(partial(links.link, "ipip", ipip_local="192.0.2.1", ipip_remote="192.0.2.2")),
        "tunnels of another kind, or in user space",
        module("ipip"),
    ),
    Feature(
        "dummy",
        "interfaces that lead nowhere",
        isolated(partial(links.link, "dummy")),
        "nothing: loopbacks and bridges do the same",
        module("dummy"),
    ),
    Feature(
        "vrf",
        "several routing tables in one router",
        isolated(partial(links.link, "vrf", vrf_table=100)),
        "one routing table a node",
        module("vrf"),
    ),
)
