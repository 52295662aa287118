"""Verbs of a lab's life: up, down, list, status."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import click

from anycastlab.cli.common import json_option, print_json, progress_line
from anycastlab.errors import UsageError


@click.command()
@click.argument("file", type=click.Path())
@click.option("--name", help="Name the lab otherwise than its file does.")
@json_option
def up(file: str, name: str | None, as_json: bool) -> None:
    """Bring up the lab of topology FILE, and return when it is ready."""
    from anycastlab.experiments.load import load_checked
    from anycastlab.lab.handle import Lab

    began = time.monotonic()
    network = load_checked(file).network
    lab = Lab.launch(network, file, name, progress_line())
    seconds = time.monotonic() - began
    if as_json:
        print_json({"lab": lab.name, "nodes": len(network.nodes), "seconds": round(seconds, 3)})
    else:
        counts = f"{len(network.nodes)} nodes, {len(network.links)} links"
        click.echo(f"lab {lab.name} is up: {counts}, {seconds:.2f} s")


@click.command()
@click.argument("labs", nargs=-1, metavar="[LAB]...")
@click.option("--all", "every", is_flag=True, help="Take down every lab of this user.")
@click.option("--wait", is_flag=True, help="Return when the kernel has freed everything.")
@json_option
def down(labs: tuple[str, ...], every: bool, wait: bool, as_json: bool) -> None:
    """Take labs down, also half-done or dead ones. What is not up is no error."""
    from anycastlab.lab.record import lab_names
    from anycastlab.lab.teardown import take_down, wait_cleaned

    wanted = lab_names() if every else list(labs) or _only_lab(lab_names())
    taken = [name for name in wanted if take_down(name)]
    seconds = wait_cleaned() if wait else None
    if as_json:
        print_json({"down": taken, "freed_seconds": seconds})
        return
    for name in wanted:
        click.echo(f"lab {name} is down" if name in taken else f"lab {name} was not up")


def _only_lab(known: list[str]) -> list[str]:
    if len(known) > 1:
        raise UsageError(f"several labs are up; name them, or --all: {', '.join(known)}")
    return known


@click.command(name="list")
@json_option
def list_labs(as_json: bool) -> None:
    """List the labs of this user."""
    from anycastlab.lab.record import LabDirectory, lab_names

    rows = []
    for name in lab_names():
        record = LabDirectory(name).read()
        alive = record is not None and record.alive
        state = ("up" if record and record.ready else "coming up") if alive else "dead"
        file = record.file if record else None
        rows.append({"lab": name, "state": state, "file": file})
    if as_json:
        print_json(rows)
        return
    for row in rows:
        click.echo(f"{row['lab']:<24} {row['state']:<10} {row['file'] or ''}")


@click.command()
@click.argument("lab", required=False)
@json_option
def status(lab: str | None, as_json: bool) -> None:
    """Show a lab's nodes, and what has happened to it."""
    from anycastlab.lab.handle import Lab

    found = Lab.find(lab)
    answer = _describe(found, found.status())
    if as_json:
        print_json(answer)
        return
    routing = answer["routing"]
    click.echo(f"lab {answer['lab']}: routing {routing}, supervisor {answer['supervisor']}")
    for node in answer["nodes"]:
        life = "" if node["alive"] else "  DEAD"
        running = [*node["services"], *node["daemons"]]
        services = f"  runs {', '.join(running)}" if running else ""
        click.echo(f"  {node['node']:<20} {node['role']:<7} {node['ipv4']:<16}{services}{life}")
    for group in answer["groups"]:
        addresses = ", ".join(group["addresses"])
        click.echo(f"  group {group['group']}: {addresses} at {', '.join(group['members'])}")
    if answer["cut"]:
        click.echo(f"  cut: {', '.join(answer['cut'])}")
    for a, b, cost in answer["costs"]:
        click.echo(f"  cost {a} -> {b} is now {cost}")
    for line in _bad_links(answer):
        click.echo(f"  {line}")


def _bad_links(answer: dict[str, Any]) -> Iterator[str]:
    for one in answer["impaired"]:
        facts = {key: value for key, value in one.items() if key not in ("link", "by") and value}
        shown = ", ".join(f"{key} {value:g}" for key, value in facts.items()) or "no impairment"
        yield f"{one['link']}: {shown} (by {one['by']}; seconds, shares, bits per second)"
    for hole in answer["black_holes"]:
        yield f"black hole: {'-'.join(hole['place'])} ({hole['way']})"
    for group, node in answer["withdrawn"]:
        yield f"withdrawn: {node} from {group}"
    for node in answer["mute"]:
        yield f"routing daemon stopped: {node}"
    yield from answer["troubles"]


def _describe(lab: Any, answer: dict[str, Any]) -> dict[str, Any]:
    network = lab.network
    nodes = [
        {
            "node": name,
            "ipv4": str(network.nodes[name].ipv4),
            "ipv6": str(network.nodes[name].ipv6),
            "netns": f"{lab.name}.{name}",
            **facts,
        }
        for name, facts in answer["nodes"].items()
    ]
    groups = [
        {"group": g.name, "addresses": [str(a) for a in g.addresses], "members": list(g.instances)}
        for g in network.groups.values()
    ]
    return {
        "lab": lab.name,
        "file": lab.record.file,
        "supervisor": lab.record.supervisor.pid,
        "rootless": lab.record.rootless,
        "routing": network.routing.daemon,
        "nodes": nodes,
        "groups": groups,
        "dead": answer["dead"],
        "cut": answer["cut"],
        "costs": answer["costs"],
        "withdrawn": answer["withdrawn"],
        "mute": answer["mute"],
        "impaired": answer["impaired"],
        "black_holes": answer["black_holes"],
        "troubles": answer["troubles"],
    }


COMMANDS = {"up": up, "down": down, "list": list_labs, "status": status}
