"""The verbs ``probe``, ``catchment`` and ``capture``: packets in a running lab."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import click

from anycastlab.cli.common import json_option, lab_and, print_json, split_lab
from anycastlab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from anycastlab.lab.handle import Lab
    from anycastlab.probing.observation import Observation, Protocol
    from anycastlab.topology.network import Family

protocol_option = click.option(
    "--proto", type=click.Choice(["icmp", "tcp", "udp"]), help="Only this protocol."
)


def family_options(function: Callable[..., int]) -> Callable[..., int]:
    """Add ``-4`` and ``-6``."""
    four = click.option("-4", "family", flag_value=4, type=int, help="IPv4 only.")
    six = click.option("-6", "family", flag_value=6, type=int, help="IPv6 only.")
    return four(six(function))


@click.command()
@click.argument("lab", required=False)
@click.option("--from", "client", metavar="C", required=True, help="The client that sends.")
@click.option("--to", "group", metavar="G", required=True, help="The anycast group to ask.")
@click.option("--count", type=click.IntRange(1, 10_000), default=1, help="How many of each kind.")
@protocol_option
@family_options
@click.option(
    "--routing-header",
    type=click.Choice(["0"]),
    help="Send an echo request with an IPv6 routing header of this type.",
)
@json_option
def probe(
    *,
    lab: str | None,
    client: str,
    group: str,
    count: int,
    proto: Protocol | None,
    family: Family | None,
    routing_header: str | None,
    as_json: bool,
) -> int:
    """Probe group G from client C in LAB: who received it, who answered?

    Without --proto, ICMP is used; without -4 or -6, both families the group has. The status is 1
    when what happens is not what is predicted; with --routing-header 0, when the header is not
    answered as RFC 5095 has it.
    """
    from anycastlab.lab.handle import Lab
    from anycastlab.probing.prober import Prober

    if routing_header is not None:
        if family == 4 or proto not in (None, "icmp"):
            raise UsageError("a routing header is of IPv6, and is sent with ICMPv6")
        return _with_routing_header(Lab.find(lab), client, group, as_json=as_json)
    with Prober(Lab.find(lab)) as prober:
        found = prober.probe(client, group, protocol=proto or "icmp", family=family, count=count)
    return report(found, as_json=as_json)


@click.command()
@click.argument("lab", required=False)
@click.option("--group", "groups", metavar="G", multiple=True, help="Only this group (repeatable).")
@click.option(
    "--client", "clients", metavar="C", multiple=True, help="Only this client (repeatable)."
)
@protocol_option
@family_options
@json_option
def catchment(
    *,
    lab: str | None,
    groups: tuple[str, ...],
    clients: tuple[str, ...],
    proto: Protocol | None,
    family: Family | None,
    as_json: bool,
) -> int:
    """Show which instance each client of LAB reaches, by real packets, beside the prediction.

    Every client, group, family and protocol is probed unless options say otherwise. The status is 1
    when something is not as predicted.
    """
    from anycastlab.lab.handle import Lab
    from anycastlab.probing.prober import Prober

    with Prober(Lab.find(lab)) as prober:
        found = prober.catchment(
            clients=clients or None,
            groups=groups or None,
            families=(family,) if family else (4, 6),
            protocols=(proto,) if proto else ("icmp", "tcp", "udp"),
        )
    return report(found, as_json=as_json)


@click.command()
@lab_and("NODE")
@click.option("-w", "--write", "file", metavar="FILE", required=True, help="The file to write.")
@click.option("--count", type=click.IntRange(min=1), help="Stop after so many packets.")
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), help="Stop after so long.")
def capture(*, names: tuple[str, ...], file: str, count: int | None, seconds: float | None) -> int:
    """Record every packet that enters or leaves NODE in a pcapng file that Wireshark opens.

    It ends after --count packets or --seconds, or with Ctrl-C (status 130); what was recorded is
    kept.
    """
    from anycastlab.lab.handle import Lab
    from anycastlab.probing.capture import Capture

    interrupted = False

    def stop(*_: object) -> None:
        nonlocal interrupted
        interrupted = True
        recording.stop()

    lab, (node,) = split_lab(names, 1)
    with Capture(Lab.find(lab), node, file) as recording:
        signal.signal(signal.SIGINT, stop)
        click.echo(f"recording {node} in {file}; Ctrl-C ends it", err=True)
        recording.run(count, seconds)
    recorded = recording.recorded
    click.echo(f"{recorded} packet{'s' * (recorded != 1)} in {file}", err=True)
    return 130 if interrupted else 0


def _with_routing_header(lab: Lab, client: str, group: str, *, as_json: bool) -> int:
    from anycastlab.probing.prober import check_client
    from anycastlab.probing.routing_header import ask

    check_client(lab.network, client)
    found = [ask(lab, client, group, left) for left in (1, 0)]
    if as_json:
        print_json([one.as_json() for one in found])
    else:
        for one in found:
            click.echo(one.text())
    return 0 if all(one.ok for one in found) else 1


def report(found: Sequence[Observation], *, as_json: bool) -> int:
    """Print the observations; return the exit status, 1 unless all are as predicted."""
    if as_json:
        from anycastlab.report.jsonout import observations

        print_json(observations(found))
    else:
        from anycastlab.report.tables import show

        show(found)
    return 0 if all(one.ok for one in found) else 1


COMMANDS = {"probe": probe, "catchment": catchment, "capture": capture}
