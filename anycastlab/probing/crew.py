"""One pass by several senders, each a thread with a share of the clients.

The kernel carries a packet all the way to the member and back inside the system call that sends it,
and Python lets go of its lock for that long: two senders keep two processors busy.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import chain, groupby, pairwise

from anycastlab.probing.plan import Block
from anycastlab.probing.sweep import Sweep

_SENDERS = min(2, len(os.sched_getaffinity(0)))  # more would wait for Python's lock
_LEAST = 1000
"""Probes for which a second sender is worth its start."""


def run(sweep: Callable[[int], Sweep], blocks: Sequence[Block], linger: float) -> None:
    """Send all blocks and wait; *sweep* makes a sweep that is one of so many.

    The first error of a sender ends the others' work and is raised, as is Ctrl-C.
    """
    shares = _shares(blocks)
    sweeps = [sweep(len(shares)) for _ in shares]
    if len(sweeps) == 1:
        sweeps[0].run(blocks, linger)
        return
    with ThreadPoolExecutor(len(sweeps)) as pool:
        running = [
            pool.submit(one.run, share, linger) for one, share in zip(sweeps, shares, strict=True)
        ]
        try:
            for done in as_completed(running):
                done.result()
        finally:
            for one in sweeps:
                one.stop()


def _shares(blocks: Sequence[Block]) -> list[list[Block]]:
    """Deal the clients' blocks out, in runs of about the same number."""
    senders = _SENDERS if sum(len(block.targets) for block in blocks) >= _LEAST else 1
    clients = [list(own) for _, own in groupby(blocks, lambda block: block.client)]
    cuts = [len(clients) * share // senders for share in range(senders + 1)]
    dealt = [list(chain.from_iterable(clients[start:end])) for start, end in pairwise(cuts)]
    return [share for share in dealt if share] or [[]]
