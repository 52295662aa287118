"""A link that can be impaired, beside a plain one: a user-space wire, or netem where there is."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

from anycastlab.lab.handle import Lab
from benchmarks.commands import running
from benchmarks.harness import Bench, worker
from benchmarks.results import Row

MEGABYTES, ROUNDS = 256, 2000
BULK_LIMIT, ROUND_TRIP_LIMIT = 5.0, 20.0
PLAIN, IMPAIRED = "r2", "r3"

TOPOLOGY = f"""\
name: bench-wire
nodes: {{r1: router, {PLAIN}: router, {IMPAIRED}: router}}
links:
  - [r1, {PLAIN}]
  - {{endpoints: [r1, {IMPAIRED}], delay: 0ms}}
"""


def measure(bench: Bench) -> Iterator[Row]:
    """Send much by TCP, and a datagram there and back, over either link."""
    file = bench.directory / "bench-wire.yaml"
    file.write_text(TOPOLOGY)
    with running(file):
        found = worker(compare, file.stem, bench.repetitions)
    means, bulk, trip = found["means"], found["bulk"], found["trip"]
    yield Row.at_most(
        f"{MEGABYTES} MB of TCP, {means}", 1, bulk[IMPAIRED], bulk[PLAIN], BULK_LIMIT, "veth"
    )
    yield Row.at_most(
        f"round trip, {means}", 1, trip[IMPAIRED], trip[PLAIN], ROUND_TRIP_LIMIT, "veth", "us"
    )


def compare(name: str, times: str) -> dict[str, Any]:
    """Use both links in turn: milliseconds for all bytes, microseconds for a round trip."""
    lab = Lab.find(name)
    (impaired,) = lab.status()["impaired"]
    bulk: dict[str, list[float]] = {PLAIN: [], IMPAIRED: []}
    trip: dict[str, list[float]] = {PLAIN: [], IMPAIRED: []}
    for _ in range(int(times)):
        for peer in (PLAIN, IMPAIRED):
            bulk[peer].append(_bulk(lab, peer))
            trip[peer].append(_round_trip(lab, peer))
    return {"means": impaired["by"], "bulk": bulk, "trip": trip}


def _bulk(lab: Lab, peer: str) -> float:
    with (
        lab.socket(peer, socket.AF_INET, socket.SOCK_STREAM) as listener,
        lab.socket("r1", socket.AF_INET, socket.SOCK_STREAM) as sender,
    ):
        listener.bind((str(lab.network.nodes[peer].ipv4), 0))
        listener.listen()
        sender.connect(listener.getsockname())
        receiver, _ = listener.accept()
        thread = threading.Thread(target=_send_all, args=(sender,))
        began = time.perf_counter()
        thread.start()
        left, buffer = MEGABYTES << 20, bytearray(1 << 20)
        with receiver:
            while left and (got := receiver.recv_into(buffer)):
                left -= got
        taken = time.perf_counter() - began
        thread.join()
    assert not left
    return taken * 1e3


def _send_all(sender: socket.socket) -> None:
    megabyte = bytes(1 << 20)
    for _ in range(MEGABYTES):
        sender.sendall(megabyte)


def _round_trip(lab: Lab, peer: str) -> float:
    times = []
    with (
        lab.socket("r1", socket.AF_INET, socket.SOCK_DGRAM) as here,
        lab.socket(peer, socket.AF_INET, socket.SOCK_DGRAM) as there,
    ):
        for node, sock in (("r1", here), (peer, there)):
            sock.bind((str(lab.network.nodes[node].ipv4), 0))
        here.connect(there.getsockname())
        there.connect(here.getsockname())
        for _ in range(ROUNDS):
            began = time.perf_counter()
            here.send(b"there")
            there.send(there.recv(16))
            here.recv(16)
            times.append(time.perf_counter() - began)
    return median(times) * 1e6
