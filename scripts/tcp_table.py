"""Hold sessions by every remedy through the same shift, and write the table in docs/tcp.md.

One lab for each remedy, all of the same shape. The client's link delays every packet, so that what
a remedy adds to the beginning of a session can be told in round trips (of the quickest of a few
single sessions); a capture of that link tells what it adds to every packet.
"""

from __future__ import annotations

import argparse
import socket
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import client_table
import router_cost

from anycastlab.components.identity_wire import IDENTITY_PORT
from anycastlab.components.quic import PORT
from anycastlab.lab.handle import Lab
from anycastlab.probing.capture import Recording
from anycastlab.probing.sessions import SessionPlan, SessionsHeld, hold_sessions
from anycastlab.probing.sessions_way import By
from anycastlab.probing.stream_flows import flows
from anycastlab.probing.stream_record import Strike
from anycastlab.topology.network import Family

DOCUMENT = Path(__file__).parents[1] / "docs/tcp.md"
DELAY = 0.050
"""Seconds one way: far more than anything else here takes."""
SESSIONS, SINGLE = 50, 5
_INTERFACE_AT, _COOKED = 4, 20
"""Where a capture has the interface's index, and how long what stands before the packet is."""
TEMPLATE = """\
name: tcp-table
#     c - r1 ------- r2      s1 is nearest until its link grows dear
#         |          |
#         s1         s2
nodes:
  r1: {{role: router, run: {router}{routes}}}
  r2: {{role: router, run: {router}}}
  c: {{role: client, run: {client}{own}}}
  s1: {{role: server, run: {server}{accepts}}}
  s2: {{role: server, run: {server}}}
links:
  - {{endpoints: [c, r1], delay: 50ms}}
  - [s1, r1]
  - [s2, r2]
  - {{endpoints: [r1, r2], cost: 5}}
anycast: {{A: {{addresses: [192.0.2.1, "2001:db8:a::1"], members: [s1, s2]}}}}
"""


@dataclass(frozen=True, slots=True)
class Remedy:
    """A row: what runs where, how sessions begin, and who had to change."""

    name: str
    changes: str
    by: By = "service-address"
    client: str = "[]"
    router: str = "[]"
    server: str = "[]"
    families: tuple[Family, ...] = (4, 6)
    source_routes: bool = False

    def document(self) -> str:
        """The topology file."""
        allowed = ["", "", ""]
        if self.source_routes:
            ways = (("to-c", "to-s1", "to-r2"), ("to-r1",), ("to-r1",))
            allowed = [", sysctls: {" + ", ".join(map(_accepts, ("all", *w))) + "}" for w in ways]
        routes, own, accepts = allowed
        return TEMPLATE.format(
            client=self.client,
            router=self.router,
            server=self.server,
            routes=routes,
            own=own,
            accepts=accepts,
        )


def _accepts(interface: str) -> str:
    return f"net.ipv4.conf.{interface}.accept_source_route: 1"


REMEDIES = (
    Remedy("none", "nobody"),
    Remedy(
        "hand-over (RFC 1546)",
        "client, server",
        client="[rfc1546-client]",
        server="[rfc1546-server]",
    ),
    Remedy(
        "pinning option",
        "client, routers, server",
        client="[pinning-endpoint]",
        router="[pinning-router]",
        server="[pinning-endpoint]",
        families=(4,),
    ),
    Remedy(
        "loose source route (RFC 791)",
        "client's application, routers' and server's settings",
        by="source-route",
        server="[{node-information: {allow: all}}]",
        families=(4,),
        source_routes=True,
    ),
    Remedy(
        "node information (RFC 4620)",
        "client's resolver, server",
        by="node-information",
        server="[{node-information: {allow: all}}]",
    ),
    Remedy(
        "HTTP redirect (RFC 9110)",
        "server's application",
        by="http-redirect",
        server="[{http: {redirect: 307}}]",
    ),
    Remedy(
        "QUIC, no preferred address",
        "nobody",
        by="quic",
        server="[{quic: {preferred-address: false}}]",
    ),
    Remedy("QUIC preferred address (RFC 9000)", "server", by="quic", server="[quic]"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """What one remedy showed; ``opening`` in seconds, ``header`` in bytes a packet (IPv4, sent)."""

    remedy: Remedy
    held: SessionsHeld
    opening: float
    header: float

    @property
    def lost(self) -> int:
        """The bytes that never came back."""
        return sum(one.bytes_lost for one in self.held.sessions)


def measure(remedy: Remedy, folder: Path) -> Row:
    """Bring the remedy's lab up, hold its sessions through the shift, look at the packets."""
    file, capture = folder / "lab.yaml", folder / "client.pcapng"
    file.write_text(remedy.document())
    with Lab.up(file) as lab:
        lab.hold(list(lab.network.nodes))
        sent = flows(lab.network, ["c"], "A", remedy.families)
        alone = SessionPlan(1, after=0.0, by=remedy.by)
        openings = [
            one.opening
            for _ in range(SINGLE)
            for one in hold_sessions(lab, sent, alone).sessions
            if one.opening is not None
        ]
        recording = Recording(lab.socket("c", socket.AF_PACKET, socket.SOCK_DGRAM), capture)
        shift = Strike("s1's link grows dear", lambda: lab.set_cost("s1", "r1", 30))
        plan = SessionPlan(SESSIONS, by=remedy.by)
        try:
            held = hold_sessions(lab, sent, plan, [shift])
            recording.take()
        finally:
            recording.close()
        link = lab.network.nodes["c"].interfaces[0].index
    return Row(remedy, held, min(openings), statistics.mean(_headers(capture, link)))


def _headers(capture: Path, link: int) -> list[int]:
    """The sizes of the IPv4 headers of the data a client sent over its link."""
    from scapy.layers.inet import IP, TCP, UDP
    from scapy.utils import RawPcapNgReader

    sizes = []
    for data, _ in RawPcapNgReader(str(capture)):
        packet = data[_COOKED:]
        at = data[_INTERFACE_AT : _INTERFACE_AT + 4]
        if packet[0] >> 4 != 4 or int.from_bytes(at, "big") != link:
            continue
        read = IP(packet)
        said = TCP in read and len(read[TCP].payload) and read[TCP].dport == IDENTITY_PORT
        if said or (UDP in read and read[UDP].dport == PORT):
            sizes.append(read.ihl * 4)
    return sizes


def table(rows: Sequence[Row]) -> str:
    """The table, in Markdown."""
    plain = rows[0].opening
    lines = [
        "| remedy | survived | reset | hung | bytes lost | round trips more at the start | "
        "bytes more a packet | what had to change |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        fates = Counter(one.fate for one in row.held.sessions)
        trips = round((row.opening - plain) / (2 * DELAY))
        cells = (
            row.remedy.name + (" (IPv4)" if row.remedy.families == (4,) else ""),
            *(fates[fate] for fate in ("survived", "reset", "hung")),
            row.lost,
            trips,
            round(row.header - 20),
            row.remedy.changes,
        )
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def main() -> int:
    """Measure all, print the tables, and write them where they belong if asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="write it into docs/tcp.md")
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for remedy in REMEDIES:
            print(f"{remedy.name} …", file=sys.stderr)
            rows.append(measure(remedy, Path(folder)))
    tables = {
        "table": table(rows),
        "clients": client_table.table(client_table.measure()),
        "cost": router_cost.table(router_cost.measure()),
    }
    for name, body in tables.items():
        print(body, end="\n\n")
        if arguments.write:
            _write(name, body)
    return 0


def _write(name: str, body: str) -> None:
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    DOCUMENT.write_text(f"{before}{begin}{body}\n{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
