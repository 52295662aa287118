"""The verb ``routes``: how many routes each node's kernel holds, by kind."""

from __future__ import annotations

import click

from anycastlab.cli.common import json_option, print_json


@click.command()
@click.argument("lab", required=False)
@click.option("--node", "nodes", metavar="N", multiple=True, help="Only this node (repeatable).")
@json_option
def routes(lab: str | None, nodes: tuple[str, ...], as_json: bool) -> None:
    """Count the routes in the kernels of LAB's nodes, by what they lead to.

    What a node has by itself (its own addresses, link-local prefixes) is left out. The size of the
    kernel's IPv4 trie is shown where the kernel tells it.
    """
    from anycastlab.lab.faults import find_node
    from anycastlab.lab.handle import Lab
    from anycastlab.lab.route_counts import RouteCounter

    found = Lab.find(lab)
    for node in nodes:
        find_node(found.network, node)
    dead = found.state().dead
    wanted = nodes or [name for name in found.network.nodes if name not in dead]
    counter = RouteCounter(found)
    counts = [count for node in wanted for count in counter.count(node)]
    if as_json:
        print_json([count.as_json() for count in counts])
        return
    from anycastlab.report.routes import text

    click.echo(text(counts), nl=False)


COMMANDS = {"routes": routes}
