"""The pytest plugin: a lab for a test, a prober in it, and a guard that finds what a test leaves.

    @pytest.mark.lab("topologies/figure1.yaml")
    def test_s1_serves_c1(leak_guard, lab, prober):
        assert prober.probe("c1", "A")[0].answered_by == "s1"

Every pytest run in this environment loads this file, so it imports nothing of anycastlab until a
fixture is used.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from anycastlab.lab.handle import Lab
    from anycastlab.probing.prober import Prober

_numbers = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers", "lab(path): bring up this topology file for the `lab` fixture"
    )


@pytest.fixture
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """The lab of the file in ``@pytest.mark.lab(path)``, under a name of its own; down afterwards.

    A relative path counts from pytest's root directory.
    """
    marker = request.node.get_closest_marker("lab")
    if marker is None or len(marker.args) != 1 or marker.kwargs:
        raise pytest.UsageError('the lab fixture needs one @pytest.mark.lab("FILE")')
    from anycastlab.lab.handle import Lab

    name = f"test-{os.getpid()}-{next(_numbers)}"
    with Lab.up(request.config.rootpath / marker.args[0], name=name) as running:
        yield running


@pytest.fixture
def prober(lab: Lab) -> Iterator[Prober]:
    """A prober in the test's lab."""
    from anycastlab.probing.prober import Prober

    with Prober(lab) as probing:
        yield probing


@pytest.fixture
def leak_guard() -> Iterator[None]:
    """Fail a test that leaves a namespace, a link, a process or a file descriptor behind.

    Name it before the fixtures it is to watch: what those set up must be gone when it looks.
    """
    from anycastlab.census import Census, adopting_orphans

    with adopting_orphans():
        before = Census.take()
        yield
        left = Census.take_settled(before).left_since(before)
    if left:
        pytest.fail(
            "the test left behind:\n" + "\n".join(f"  {one}" for one in left), pytrace=False
        )
