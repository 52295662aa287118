"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.host import difference, snapshot

pytest_plugins = "pytester"


@pytest.fixture(autouse=True)
def nothing_is_left(request: pytest.FixtureRequest) -> None:
    """Put every test with a lab under the leak guard."""
    if request.node.get_closest_marker("lab") is not None:
        request.getfixturevalue("leak_guard")


@pytest.fixture(scope="session", autouse=True)
def the_host_is_unchanged() -> Iterator[None]:
    """Fail the session that changes anything of the host's own network."""
    before = snapshot()
    yield
    assert difference(before, snapshot()) == []
