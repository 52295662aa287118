"""The verb ``run``: bring up, do the experiment, take down, judge. The verb for CI."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from anycastlab.cli.common import json_option, print_json

if TYPE_CHECKING:
    from anycastlab.experiments.events import Event
    from anycastlab.experiments.runner import Runner
    from anycastlab.experiments.verdict import Verdict
    from anycastlab.lab.handle import Lab
    from anycastlab.report.folder import Folder
    from anycastlab.topology.load import Document


DEFAULT_RESULTS = "results"


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@json_option
@click.option("--junit", "junit_file", metavar="FILE", help="Write the verdicts as JUnit XML too.")
@click.option("-x", "--fail-fast", is_flag=True, help="Stop at the first step that fails.")
@click.option(
    "--results",
    metavar="DIR",
    envvar="ANYCASTLAB_RESULTS",
    help=f"Where each run's folder goes, NAME-TIME [{DEFAULT_RESULTS}].",
)
@click.option("--no-results", "results", flag_value="", help="Write no folder.")
@click.option("--pcap", is_flag=True, help="Capture at all clients and members, into the folder.")
def run(
    *,
    files: tuple[str, ...],
    as_json: bool,
    junit_file: str | None,
    fail_fast: bool,
    results: str | None,
    pcap: bool,
) -> int:
    """Bring up each FILE's network, do its experiment, take it down, and judge.

    All files are checked before the first lab comes up. A failed step does not end its experiment
    (unless -x says so). Without an `experiment:` the catchment must be as predicted. Each run
    leaves a folder: report, JUnit, pictures of streams, logs of daemons, captures.
    """
    from anycastlab.errors import UsageError
    from anycastlab.experiments.load import load_all
    from anycastlab.report import jsonout

    if pcap and results == "":
        raise UsageError("--pcap writes into the folder of results, which --no-results leaves out")
    documents = load_all(files)
    if junit_file is not None:
        write_junit(junit_file, [])
    places = Places(results, captures=pcap)
    verdicts = run_all(documents, fail_fast=fail_fast, to_stderr=as_json, places=places)
    if as_json:
        print_json(jsonout.verdicts(verdicts))
    if junit_file is not None:
        write_junit(junit_file, verdicts)
    return max((verdict.exit_status for verdict in verdicts), default=0)


@dataclass(frozen=True, slots=True)
class Places:
    """Where folders go: the one the user gave, '' for none, None for the usual place."""

    parent: str | None
    captures: bool

    def folder(self, name: str) -> Folder | None:
        """Make the folder of one run. Only a place that somebody chose has to be writable."""
        from anycastlab.errors import UsageError
        from anycastlab.report.folder import Folder

        if self.parent == "":
            return None
        try:
            return Folder.make(Path(self.parent or DEFAULT_RESULTS), name)
        except UsageError as error:
            if self.parent or self.captures:
                raise
            click.echo(f"no folder of results: {error}", err=True)
            return None


def run_all(
    documents: list[Document], *, fail_fast: bool, to_stderr: bool, places: Places
) -> list[Verdict]:
    """Run the experiments in turn; after an interruption, no further one."""
    verdicts: list[Verdict] = []
    for document in documents:
        folder = places.folder(document.network.name)
        runner = make_runner(folder, fail_fast=fail_fast, to_stderr=to_stderr, places=places)
        verdicts.append(runner.run(document))
        if folder is not None:
            finish(folder, document, verdicts[-1], to_stderr=to_stderr)
        if verdicts[-1].interrupted or (fail_fast and not verdicts[-1].ok):
            break
    return verdicts


def make_runner(
    folder: Folder | None, *, fail_fast: bool, to_stderr: bool, places: Places
) -> Runner:
    """Make what runs an experiment, beside which its folder is filled."""
    from anycastlab.experiments.runner import Runner
    from anycastlab.lab.handle import Lab
    from anycastlab.probing.prober import Prober

    def tell(event: Event) -> None:
        say(event, to_stderr=to_stderr)

    def bring_up(document: Document) -> Lab:
        if folder is None:
            return Lab.launch(document.network, document.path)
        return Lab.launch(document.network, document.path, autopsy=folder.save_logs)

    def beside(_document: Document, lab: Lab) -> AbstractContextManager[None]:
        if folder is None:
            return nullcontext()
        return folder.recording(lab, captures=places.captures)

    return Runner(bring_up, Prober, tell, fail_fast, beside)


def finish(folder: Folder, document: Document, verdict: Verdict, *, to_stderr: bool) -> None:
    """Write what was found, and say where."""
    folder.write(verdict, Path(document.path))
    for node, count in folder.lost.items():
        click.echo(f"the capture of {node} lacks {count} packets", err=True)
    click.echo(f"  results in {folder.path}", err=to_stderr)


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
