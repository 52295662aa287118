"""The verb ``failover``: what happens to every packet while a fault strikes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from anycastlab.cli.common import json_option, print_json
from anycastlab.cli.probing import family_options
from anycastlab.errors import AnycastlabError, UsageError, did_you_mean

if TYPE_CHECKING:
    from anycastlab.experiments.fault import Fault
    from anycastlab.lab.handle import Lab
    from anycastlab.probing.stream_record import Flow, Pace, StreamProtocol
    from anycastlab.probing.timeline import Timeline
    from anycastlab.topology.network import Family


WIDEST, LONGEST = 100, 3600
"""Columns of a report, seconds of a stream's part."""


class Time(click.ParamType[float]):
    """A time with its unit, in seconds."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read ``0.2ms``, ``1s``, ``2min``."""
        from anycastlab.topology.units import seconds

        if isinstance(value, float):
            return value
        try:
            found = seconds(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if found > LONGEST:
            self.fail(f"expected at most {LONGEST} s, not {value}", param, ctx)
        return found


@click.command()
@click.argument("lab", required=False)
@click.option("--kill", "killed", metavar="NODE", multiple=True, help="Kill this node.")
@click.option("--cut", "cut", metavar="A,B", multiple=True, help="Cut the link between A and B.")
@click.option(
    "--fault", "faults", metavar="WORDS", multiple=True, help='Any fault: "set-cost r1 r2 30".'
)
@click.option(
    "--from", "clients", metavar="C", multiple=True, required=True, help="Who sends; or all."
)
@click.option("--to", "group", metavar="G", required=True, help="The anycast group.")
@click.option("--interval", type=Time(), help="Between two packets of a flow, as 0.2ms.")
@click.option("--rate", type=click.FloatRange(min=0.1), help="Packets a second in each flow.")
@click.option("--before", type=Time(), default=0.5, help="How long before the fault [0.5s].")
@click.option("--after", type=Time(), default=1.0, help="How long after it [1s].")
@click.option("--apart", type=Time(), default=0.0, help="Between two faults [0s].")
@click.option("--protocol", type=click.Choice(["icmp", "udp"]), default="icmp", show_default=True)
@click.option("--picture", metavar="FILE", help="Draw it, too: FILE.svg, .png or .pdf.")
@click.option("--repair", is_flag=True, help="Undo the faults afterwards.")
@family_options
@json_option
def failover(
    *,
    lab: str | None,
    killed: tuple[str, ...],
    cut: tuple[str, ...],
    faults: tuple[str, ...],
    clients: tuple[str, ...],
    group: str,
    interval: float | None,
    rate: float | None,
    before: float,
    after: float,
    apart: float,
    protocol: StreamProtocol,
    picture: str | None,
    repair: bool,
    family: Family | None,
    as_json: bool,
) -> int:
    """Send a stream of packets from C to G while a fault strikes LAB: who received each packet?

    Without -4 or -6, a flow of each family. The lab stays as the fault left it, unless --repair
    says otherwise; after Ctrl-C it always does. The status is 1 when a flow does not end where it
    is predicted to.
    """
    from anycastlab.lab.handle import Lab
    from anycastlab.probing.stream_flows import flows
    from anycastlab.probing.stream_record import Pace

    if picture is not None:
        drawable(picture)
    faults_to_come = wanted(killed, cut, faults)
    running = Lab.find(lab)
    senders = living_clients(running) if clients == ("all",) else clients
    sent = flows(running.network, senders, group, (family,) if family else (4, 6))
    pace = Pace(spacing(interval, rate, len(sent)), before, after, apart)
    struck: list[tuple[str, Fault]] = []
    try:
        found = measured(running, sent, pace, protocol, faults_to_come, struck)
    except AnycastlabError:
        settle(running, struck, repair=repair)
        raise
    show(found, running.name, as_json=as_json)
    interrupted = found.recorded.interrupted
    settle(running, struck, repair=repair and not interrupted)
    if picture is not None:
        draw(found, picture)
    if interrupted:
        return 130
    return 0 if found.ok else 1


def measured(
    lab: Lab,
    sent: Sequence[Flow],
    pace: Pace,
    protocol: StreamProtocol,
    faults: Sequence[tuple[str, Fault]],
    struck: list[tuple[str, Fault]],
) -> Timeline:
    """Send while the faults strike; each that does leaves its words and its repair in *struck*."""
    from anycastlab.probing.stream import Stream
    from anycastlab.probing.stream_record import Strike
    from anycastlab.probing.timeline import timeline

    def strike(words: str, fault: Fault) -> None:
        struck.append((words, fault.repair(lab)))
        try:
            fault.strike(lab)
        except AnycastlabError:
            struck.pop()
            raise

    strikes = [Strike(words, partial(strike, words, fault)) for words, fault in faults]
    return timeline(Stream(lab, sent, pace, protocol).run(strikes))


def settle(lab: Lab, struck: Sequence[tuple[str, Fault]], *, repair: bool) -> None:
    """Undo the faults, the last one first; or say how the lab stays."""
    for _, undo in reversed(struck if repair else []):
        undo.strike(lab)
        click.echo(f"{lab.name}: {undo.done()}", err=True)
    if struck and not repair:
        done = ", ".join(words for words, _ in struck)
        click.echo(f"lab {lab.name} stays as this has left it: {done}", err=True)


def living_clients(lab: Lab) -> list[str]:
    """The clients that can send now."""
    dead = lab.state().dead
    return [name for name in lab.network.role("client") if name not in dead]


def wanted(
    killed: Sequence[str], cut: Sequence[str], others: Sequence[str]
) -> list[tuple[str, Fault]]:
    """The faults the options name, each after its words. Raises UsageError; one is needed."""
    texts = [f"kill {node}" for node in killed]
    texts += [f"cut {ends.replace(',', ' ')}" for ends in cut]
    texts += others
    if not texts:
        raise UsageError('say what strikes: --kill NODE, --cut A,B or --fault "WORDS"')
    return [(text, read(text)) for text in texts]


def read(text: str) -> Fault:
    """Make a fault of its verb's words, as on the command line. Raises UsageError."""
    from anycastlab.experiments.registry import FAULTS

    verb, *words = text.split() or [""]
    if verb not in FAULTS:
        hint = did_you_mean(verb, FAULTS) or f"; faults: {', '.join(FAULTS)}"
        raise UsageError(f"no fault {verb!r}{hint}")
    kind = FAULTS[verb]
    if len(words) != len(kind.arguments):
        raise UsageError(f"a fault is written {' '.join((verb, *kind.arguments))!r}, not {text!r}")
    return kind.from_words(words)


def spacing(interval: float | None, rate: float | None, flows: int) -> float:
    """Seconds between two packets of a flow. Raises UsageError when given twice."""
    from anycastlab.probing.stream import usual_interval

    if interval is not None and rate is not None:
        raise UsageError("--interval and --rate say the same: give one")
    if interval is not None:
        return interval
    return usual_interval(flows) if rate is None else 1 / rate


def drawable(file: str) -> None:
    """Raise what keeps a picture from being drawn, before anything strikes."""
    from anycastlab.report.timeline_picture import kind_of, require

    kind_of(file)
    require()
    if not os.access(Path(file).parent, os.W_OK | os.X_OK):
        raise UsageError(f"cannot write {file}: its directory is missing, or not yours to write in")


def draw(found: Timeline, file: str) -> None:
    """Draw the picture."""
    from anycastlab.report.timeline_picture import draw as write

    write(found, file)
    click.echo(f"the picture is in {file}", err=True)


def show(found: Timeline, lab: str, *, as_json: bool) -> None:
    """Print what was found, as JSON or for people."""
    if as_json:
        print_json({"lab": lab, **found.as_json()})
        return
    from anycastlab.report.timeline import lines

    width = min(shutil.get_terminal_size().columns, WIDEST)
    for line in lines(found, width):
        click.echo(line)


COMMANDS = {"failover": failover}
