"""Pictures of a network, its clients in the colours of their predicted catchment."""

from __future__ import annotations

import subprocess

from anycastlab.errors import ProgramError, UsageError, did_you_mean
from anycastlab.report.graph_dot import dot_text
from anycastlab.report.graph_mermaid import mermaid_text
from anycastlab.report.graph_sketch import sketch
from anycastlab.routing.state import INTACT, NetworkState
from anycastlab.topology.network import Network

FORMATS = ("svg", "png", "dot", "mermaid")


def dot(network: Network, state: NetworkState = INTACT, group: str | None = None) -> str:
    """Return DOT text; *group* is the one whose catchment is shown, by default the first."""
    return dot_text(sketch(network, state, group))


def mermaid(network: Network, state: NetworkState = INTACT, group: str | None = None) -> str:
    """Return Mermaid text; *group* is the one whose catchment is shown, by default the first."""
    return mermaid_text(sketch(network, state, group))


def render(
    network: Network,
    kind: str,
    state: NetworkState = INTACT,
    group: str | None = None,
) -> bytes:
    """Return a picture of one of FORMATS; svg and png are laid out by Graphviz's program dot.

    Raises UsageError for another format, ProgramError when dot is missing or fails.
    """
    if kind == "mermaid":
        return mermaid(network, state, group).encode()
    text = dot(network, state, group).encode()
    if kind == "dot":
        return text
    if kind not in FORMATS:
        raise UsageError(f"no picture format {kind!r}{did_you_mean(kind, FORMATS)}")
    return _drawn(text, kind)


def _drawn(text: bytes, kind: str) -> bytes:
    try:
        done = subprocess.run(["dot", f"-T{kind}"], input=text, capture_output=True, check=False)
    except FileNotFoundError:
        remedy = "apt install graphviz, or use --format mermaid"
        raise ProgramError("graphviz's 'dot' is not installed", remedy) from None
    if done.returncode or not done.stdout:
        message = done.stderr.decode(errors="replace").strip() or f"status {done.returncode}"
        raise ProgramError(f"graphviz's 'dot' failed: {message}")
    return done.stdout
