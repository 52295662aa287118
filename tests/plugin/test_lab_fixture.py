"""The fixtures `lab` and `prober`."""

from __future__ import annotations

import subprocess
import sys

import pytest

import anycastlab
from anycastlab.lab.record import lab_names
from tests.experiments.networks import FIGURE1

TESTS = """
from pathlib import Path

import pytest

@pytest.fixture(autouse=True)
def noted(leak_guard, lab):
    with Path("names").open("a") as names:
        print(lab.name, file=names)

@pytest.mark.lab("figure1.yaml")
def test_one(leak_guard, lab, prober):
    assert lab.name != "figure1"
    assert {one.answered_by for one in prober.probe("c1", "A")} == {"s1"}
    lab.kill("s1")
    assert {one.answered_by for one in prober.probe("c1", "A")} == {"s2"}

@pytest.mark.lab("figure1.yaml")
def test_two(leak_guard, lab):
    assert lab.name.startswith("test-")
"""


def test_each_test_has_a_lab_of_its_own_that_is_gone_afterwards(pytester: pytest.Pytester) -> None:
    pytester.makefile(".yaml", figure1=FIGURE1)
    pytester.makepyfile(TESTS)
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)
    names = (pytester.path / "names").read_text().split()
    assert len(set(names)) == 2
    assert set(names).isdisjoint(lab_names())


def test_a_lab_that_is_not_taken_down_fails_the_guard(pytester: pytest.Pytester) -> None:
    pytester.makefile(".yaml", figure1=FIGURE1)
    pytester.makepyfile(
        """
        from anycastlab import Lab

        def test_forgetful(leak_guard):
            Lab.up("figure1.yaml", name="left-by-a-test")
        """
    )
    try:
        result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
        result.assert_outcomes(passed=1, errors=1)
        result.stdout.fnmatch_lines(
            [
                "*process * (al:left-by-a-*",
                "*network namespace net:*",
                "*namespace name /run/netns/left-by-a-test.s1",
            ]
        )
    finally:
        from anycastlab.lab.teardown import take_down

        take_down("left-by-a-test")


def test_a_lab_without_a_file_is_refused(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(lab): pass")
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*the lab fixture needs one @pytest.mark.lab*"])


def test_the_plugin_imports_nothing_of_the_lab_before_it_is_used() -> None:
    code = "import sys, anycastlab.pytest_plugin; print(*sys.modules, sep='\\n')"
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    loaded = out.stdout.splitlines()
    assert "anycastlab.pytest_plugin" in loaded
    heavy = {"pydantic", "yaml", "pyroute2", "scapy", "rich", "anycastlab.lab"}
    assert heavy.isdisjoint(loaded)


def test_the_package_offers_lab_and_imports_it_only_when_asked() -> None:
    code = (
        "import sys, anycastlab; assert 'anycastlab.lab' not in sys.modules; "
        "from anycastlab import Lab; assert Lab.__module__ == 'anycastlab.lab.handle'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'Lap'"):
        anycastlab.Lap  # noqa: B018
