"""A stream of probes from several clients: how punctual it is."""

from __future__ import annotations

from collections.abc import Iterator

from anycastlab.lab.handle import Lab
from anycastlab.probing.stream import Stream
from anycastlab.probing.stream_flows import flows
from anycastlab.probing.stream_record import Pace
from benchmarks.commands import running
from benchmarks.harness import Bench, floor, worker
from benchmarks.results import Row

ROUTERS, MEMBERS, CLIENTS = 20, 4, 10
A_SECOND, SECONDS = 5000, 4
LATE, LIMIT = 500_000, 0.1


def measure(bench: Bench) -> Iterator[Row]:
    """Send, and count what left too late; a C program that only wakes has the same moments."""
    nodes = ROUTERS + MEMBERS + CLIENTS
    file = bench.topology("random", nodes, members=MEMBERS, clients=CLIENTS)
    command = (
        bench.compile("punctual"),
        str(10**9 // A_SECOND),
        str(A_SECOND * SECONDS),
        str(LATE),
    )
    with running(file):
        found = bench.alternate(
            {
                "ours": lambda: worker(missed_slots, file.stem, SECONDS),
                "C": lambda: float(floor(*command)["late"]),
            }
        )
    measure = "stream: packets over 0.5 ms late"
    yield Row.within(measure, A_SECOND, found["ours"], LIMIT, "%", found["C"])


def missed_slots(name: str, seconds: str) -> float:
    """Stream from all clients of a lab; return the share of late packets in percent."""
    lab = Lab.find(name)
    group, *_ = lab.network.groups
    found = flows(lab.network, lab.network.role("client"), group, (4,))
    pace = Pace(interval=len(found) / A_SECOND, before=0.0, after=float(seconds))
    late = Stream(lab, found, pace).run().late
    assert len(late) >= A_SECOND * pace.after * 0.99
    return 100 * sum(one > LATE for one in late) / len(late)
