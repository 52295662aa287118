"""The verb ``resolve``: ask a group's anycast address for a unicast one (RFC 4620)."""

from __future__ import annotations

import click

from anycastlab.cli.common import json_option, lab_and, print_json, split_lab
from anycastlab.errors import UsageError, did_you_mean


@click.command()
@lab_and()
@click.option("--from", "client", required=True, metavar="CLIENT", help="Who asks.")
@click.option("--to", "group", required=True, metavar="GROUP", help="Whose IPv6 address is asked.")
@json_option
def resolve(names: tuple[str, ...], client: str, group: str, as_json: bool) -> int:
    """Learn the unicast address of the nearest instance; status 1 when it is not told."""
    from anycastlab.lab.handle import Lab
    from anycastlab.probing.resolve import resolve as ask

    lab = Lab.find(split_lab(names, 0)[0])
    for name, known in ((client, lab.network.nodes), (group, lab.network.groups)):
        if name not in known:
            what = "node" if known is lab.network.nodes else "group"
            raise UsageError(f"no {what} {name!r} in this lab{did_you_mean(name, known)}")
    found = ask(lab, client, group)
    if as_json:
        print_json(found.as_json())
    elif found.answer == "resolved":
        click.echo(f"{group} ({found.asked}) is {found.node}: {', '.join(found.addresses)}")
    else:
        told = "refuses to tell" if found.answer == "refused" else "does not answer"
        click.echo(f"{group} ({found.asked}) {told}", err=True)
    return 0 if found.answer == "resolved" else 1


COMMANDS = {"resolve": resolve}
