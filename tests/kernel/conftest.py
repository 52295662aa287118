"""Namespaces for the tests of the kernel floor."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from anycastlab.kernel import namespace


@pytest.fixture
def make_namespace() -> Iterator[Callable[[], int]]:
    """Make namespaces that go when the test ends."""
    made: list[int] = []

    def make() -> int:
        with namespace.returning_home():
            made.append(namespace.create())
        return made[-1]

    yield make
    for descriptor in made:
        os.close(descriptor)
