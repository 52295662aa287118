"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.host import difference, snapshot

ROOT = Path(__file__).parents[1]

pytest_plugins = "pytester"


def folders_of_runs() -> set[Path]:
    """The folders of runs in the checkout."""
    return {report.parent for report in ROOT.glob("results/*/report.json")}


@pytest.fixture(autouse=True)
def nothing_is_left(request: pytest.FixtureRequest) -> None:
    """Put every test with a lab under the leak guard."""
    if request.node.get_closest_marker("lab") is not None:
        request.getfixturevalue("leak_guard")


@pytest.fixture(scope="session", autouse=True)
def no_results_in_the_checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Send the folders of runs elsewhere; one that is in the checkout afterwards is a failure."""
    before = folders_of_runs()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANYCASTLAB_RESULTS", str(tmp_path_factory.mktemp("results")))
        yield
    assert folders_of_runs() == before


@pytest.fixture(scope="session", autouse=True)
def the_host_is_unchanged() -> Iterator[None]:
    """Fail the session that changes anything of the host's own network."""
    before = snapshot()
    yield
    assert difference(before, snapshot()) == []
