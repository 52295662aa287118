"""`doctor` tells what works from what does not, for people and for programs."""

from __future__ import annotations

import errno
import json

import pytest
from click.testing import CliRunner
from rich.console import Console

from anycastlab.cli import doctor as verb
from anycastlab.errors import FeatureError
from anycastlab.kernel.features import FEATURES, Feature, examine
from anycastlab.kernel.features.remedies import say
from anycastlab.report.doctor import document, summary, table


def broken() -> str:
    raise OSError(errno.ENOENT, "no such thing")


def feature(name: str, probe=lambda: "", required: bool = False) -> Feature:
    return Feature(name, f"{name} is for this", probe, f"{name} costs that", say("buy"), required)


WORKS, MISSING = feature("good"), feature("bad", broken)
NEEDED = feature("vital", broken, required=True)


def shown(*features: Feature) -> str:
    console = Console(width=100)
    with console.capture() as capture:
        console.print(table([examine(each) for each in features]))
    return capture.get()


def run(*options: str):
    return CliRunner().invoke(verb.doctor, options)


def test_what_works_is_shown_without_cost_or_remedy():
    text = shown(WORKS)
    assert "good is for this" in text
    assert "costs" not in text and "buy" not in text


def test_what_is_missing_is_shown_with_reason_cost_and_remedy():
    text = shown(WORKS, MISSING)
    assert "ENOENT: no such thing" in text
    assert "bad costs that" in text
    assert "buy" in text


def test_the_summary_counts_and_names_what_is_vital():
    assert "can run labs" in summary([examine(WORKS), examine(MISSING)])
    assert "1 of 2" in summary([examine(WORKS), examine(MISSING)])
    assert "cannot run labs" in summary([examine(WORKS), examine(NEEDED)])
    assert "vital" in summary([examine(WORKS), examine(NEEDED)])


def test_the_document_is_ready_exactly_when_nothing_vital_is_missing():
    assert document([examine(WORKS), examine(MISSING)])["ready"] is True
    assert document([examine(WORKS), examine(NEEDED)])["ready"] is False


def test_json_is_one_document_with_every_feature():
    result = run("--json")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert [each["name"] for each in told["features"]] == [each.name for each in FEATURES]
    assert told["ready"] is True
    assert told["mode"] in ("root", "rootless")
    assert result.stderr == ""


def test_a_host_that_can_run_labs_is_told_so():
    result = run()
    assert result.exit_code == 0
    assert "This host can run labs" in result.stdout


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_host_that_cannot_run_labs_is_an_error_that_says_what_is_missing(monkeypatch, options):
    monkeypatch.setattr(verb, "FEATURES", (WORKS, NEEDED))
    result = run(*options)
    assert isinstance(result.exception, FeatureError)
    assert result.exception.exit_status == 3
    assert "vital" in str(result.exception)


def test_what_is_missing_but_not_vital_is_no_error(monkeypatch):
    monkeypatch.setattr(verb, "FEATURES", (WORKS, MISSING))
    assert run().exit_code == 0
