"""What all tests share."""

from __future__ import annotations

import pytest

pytest_plugins = "pytester"


@pytest.fixture(autouse=True)
def nothing_is_left(request: pytest.FixtureRequest) -> None:
    """Put every test with a lab under the leak guard."""
    if request.node.get_closest_marker("lab") is not None:
        request.getfixturevalue("leak_guard")
