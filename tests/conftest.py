"""What all tests share."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.host import difference, snapshot
from tests.workers import hide_labs, turn

ROOT = Path(__file__).parents[1]

pytest_plugins = "pytester"

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def folders_of_runs() -> set[Path]:
    """The folders of runs in the checkout."""
    return {report.parent for report in ROOT.glob("results/*/report.json")}


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker; keep the workers of one run (`pytest -n`) from each other's labs.

    What tests start can be interrupted, also where the whole run cannot (`scripts/test &`).
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line(
        "markers", "realtime: sends at real-time priority; only one such test at a time"
    )
    if hasattr(config, "workerinput"):
        # A worker's second thread waits for its next test, and holds nothing a child would need.
        config.addinivalue_line(
            "filterwarnings", "ignore:.*multi-threaded, use of:DeprecationWarning"
        )
        if os.geteuid() == 0:
            hide_labs()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let no two tests that are marked as such run at once, be it in other workers."""
    if item.get_closest_marker("realtime") is None:
        return (yield)
    with turn():
        return (yield)


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
    """Fail the session that changes anything of the host's own network.

    Every worker of a run looks: the last to end finds what any of them changed.
    """
    before = snapshot()
    yield
    assert difference(before, snapshot()) == []
