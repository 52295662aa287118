"""Programs that the lab can use, or that people use beside it."""

from __future__ import annotations

from functools import partial

from anycastlab.kernel.features import programs
from anycastlab.kernel.features.feature import Feature
from anycastlab.kernel.features.remedies import package

TOOLS = (
    Feature(
        "ip",
        "to look into a lab from any shell: ip -n LAB.NODE route",
        partial(programs.program, "ip"),
        "nothing in the lab itself; look with `anycastlab exec`",
        package("iproute2"),
    ),
    Feature(
        "ping",
        "the everyday test: anycastlab exec LAB NODE -- ping ADDRESS",
        partial(programs.program, "ping"),
        "nothing in the lab itself; `anycastlab probe` has its own packets",
        package("iputils-ping"),
    ),
    Feature(
        "tcpdump",
        "to watch a node: anycastlab exec LAB NODE -- tcpdump",
        partial(programs.program, "tcpdump"),
        "nothing in the lab itself; `anycastlab capture` writes files without it",
        package("tcpdump"),
    ),
    Feature(
        "dot",
        "the layout of `graph` as SVG, PNG",
        partial(programs.program, "dot"),
        "`graph` draws Mermaid and DOT only",
        package("graphviz"),
    ),
    Feature(
        "nft",
        "components made of nftables rules",
        partial(programs.program, "nft"),
        "no load balancer, no pinning of TCP sessions",
        package("nftables"),
    ),
    Feature(
        "BIRD",
        "`routing: bird`",
        partial(programs.program, "bird", "birdc"),
        "`routing: kernel` or frr only",
        package("bird2"),
    ),
    Feature(
        "FRR",
        "`routing: frr`",
        partial(programs.program, "zebra", "bgpd", "ospfd", "pimd", "bfdd", "vtysh"),
        "`routing: kernel` or bird only; no PIM, no MSDP",
        package("frr"),
    ),
    Feature(
        "fping",
        "a yardstick of scripts/bench",
        partial(programs.program, "fping"),
        "one row of scripts/bench",
        package("fping"),
    ),
    Feature(
        "C compiler",
        "the floor that scripts/bench compares with",
        partial(programs.program, "cc"),
        "scripts/bench",
        package("gcc libc6-dev"),
    ),
)
