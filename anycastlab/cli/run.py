"""The verb ``run``: bring up, do the experiment, take down, judge. The verb for CI."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from anycastlab.cli.common import json_option, print_json

if TYPE_CHECKING:
    from anycastlab.experiments.events import Event
    from anycastlab.experiments.verdict import Verdict
    from anycastlab.topology.load import Document


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@json_option
@click.option("--junit", "junit_file", metavar="FILE", help="Write the verdicts as JUnit XML too.")
@click.option("-x", "--fail-fast", is_flag=True, help="Stop at the first step that fails.")
def run(*, files: tuple[str, ...], as_json: bool, junit_file: str | None, fail_fast: bool) -> int:
    """Bring up each FILE's network, do its experiment, take it down, and judge.

    All files are checked before the first lab comes up. A failed step does not end its experiment
    (unless -x says so). Without an `experiment:` the catchment must be as predicted.
    """
    from anycastlab.experiments.load import load_all
    from anycastlab.report import jsonout

    documents = load_all(files)
    if junit_file is not None:
        write_junit(junit_file, [])
    verdicts = run_all(documents, fail_fast=fail_fast, to_stderr=as_json)
    if as_json:
        print_json(jsonout.verdicts(verdicts))
    if junit_file is not None:
        write_junit(junit_file, verdicts)
    return max((verdict.exit_status for verdict in verdicts), default=0)


def run_all(documents: list[Document], *, fail_fast: bool, to_stderr: bool) -> list[Verdict]:
    """Run the experiments in turn; after an interruption, no further one."""
    from anycastlab.experiments.runner import Runner
    from anycastlab.lab.handle import Lab
    from anycastlab.probing.prober import Prober

    def tell(event: Event) -> None:
        say(event, to_stderr=to_stderr)

    def bring_up(document: Document) -> Lab:
        return Lab.launch(document.network, document.path)

    runner = Runner(bring_up, Prober, tell, fail_fast)
    verdicts: list[Verdict] = []
    for document in documents:
        verdicts.append(runner.run(document))
        if verdicts[-1].interrupted or (fail_fast and not verdicts[-1].ok):
            break
    return verdicts


def say(event: Event, *, to_stderr: bool) -> None:
    """Print the lines of one event, failures in red; colour goes only to a terminal."""
    from anycastlab.report.progress import lines

    for line in lines(event):
        colour = {"✓": "green", "✗": "red"}.get(line.strip()[:1])
        click.secho(line, fg=colour, err=to_stderr)


def write_junit(file: str, verdicts: list[Verdict]) -> None:
    """Write the JUnit document; raises UsageError when the file cannot be written.

    It is called before the run too, so that a wrong name is known before and not after.
    """
    from anycastlab.errors import UsageError
    from anycastlab.report.junit import junit

    try:
        Path(file).write_text(junit(verdicts), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}") from None


COMMANDS = {"run": run}
