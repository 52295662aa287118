"""Topologies of the tests, and how they are loaded."""

from __future__ import annotations

from anycastlab.experiments.script import check
from anycastlab.topology.load import Document, load_text
from anycastlab.topology.network import Network

FIGURE1 = """\
name: figure1
nodes:
  r1: router
  r2: router
  c1: client
  c2: client
  s1: server
  s2: server
links:
  - [c1, r1]
  - [c2, r2]
  - [s1, r1]
  - [s2, r2]
  - {endpoints: [r1, r2], cost: 10}
anycast:
  A: {members: [s1, s2]}
"""


def written(experiment: str, network: str = FIGURE1) -> str:
    """Return the text of a topology with an experiment (lines of YAML, not indented)."""
    lines = [f"  {line}" for line in experiment.splitlines()]
    return "\n".join([network, *(["experiment:", *lines] if lines else [])]) + "\n"


def document(experiment: str = "", network: str = FIGURE1) -> Document:
    """Load a topology with an experiment, checked."""
    return load_text(written(experiment, network), "lab.yaml", also=(check,))


def network(text: str) -> Network:
    """Load a topology that has no experiment."""
    return document(network=text).network
