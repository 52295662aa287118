"""The verbs that break and mend a lab: one for each fault of the registry."""

from __future__ import annotations

import time

import click

from anycastlab.cli.common import json_option, lab_and, print_json, split_lab
from anycastlab.experiments.fault import Fault
from anycastlab.experiments.registry import FAULTS


def _command(kind: type[Fault]) -> click.Command:
    @click.command(name=kind.verb, help=(kind.__doc__ or "").strip())
    @lab_and(*kind.arguments)
    @json_option
    def command(names: tuple[str, ...], as_json: bool) -> None:
        from anycastlab.lab.handle import Lab

        name, words = split_lab(names, len(kind.arguments))
        fault = kind.from_words(words)
        lab = Lab.find(name)
        began = time.monotonic()
        fault.strike(lab)
        seconds = time.monotonic() - began
        if as_json:
            done = {"lab": lab.name, "fault": kind.verb, "arguments": list(words)}
            print_json({**done, "seconds": round(seconds, 6)})
        else:
            click.echo(f"{lab.name}: {fault.done()} ({seconds * 1e3:.1f} ms)")

    return command


COMMANDS = {verb: _command(kind) for verb, kind in FAULTS.items()}
