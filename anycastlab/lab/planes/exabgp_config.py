"""The configuration of ExaBGP in one member. Pure: text of a speaker and its groups.

ExaBGP speaks BGP and does nothing with what it hears: it announces the node's own addresses by
itself, and a group's while the group's `exabgp healthcheck` says so. Each of these is a process of
its own, with a file of options; another file, while it exists, says that the member is withdrawn.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from anycastlab.lab.planes.speakers import Neighbour, Port, Speaker
from anycastlab.topology.network import Address, Check, Group
from anycastlab.topology.routing_models import BgpOptions

ENVIRONMENT = """\
[exabgp.daemon]
user = 'root'
[exabgp.tcp]
bind = ''
[exabgp.api]
ack = false
cli = false
[exabgp.log]
statistics = false
"""
"""It is root in a node of its own, listens nowhere, and is not spoken to by anybody."""

_FAMILIES = (4, 6)
_ALWAYS = Check("exec", interval=0.2, fall=1, rise=1)
"""Of a member that is announced without a check."""


def config(
    speaker: Speaker, groups: tuple[Group, ...], options: BgpOptions, program: str, place: str
) -> str:
    """Return ``exabgp.conf``; *program* is the health check, *place* the node's directory."""
    return "\n".join([*_processes(groups, program, place), *_sessions(speaker, groups, options)])


def _processes(groups: tuple[Group, ...], program: str, place: str) -> Iterator[str]:
    for group in groups:
        yield f"""\
process check-{group.name} {{
  run {program} --config {place}/{options_file(group)};
  encoder text;
}}"""


def _sessions(speaker: Speaker, groups: tuple[Group, ...], options: BgpOptions) -> Iterator[str]:
    for port in speaker.ports:
        for far in port.neighbours:
            for family in _FAMILIES:
                yield _session(speaker, port, far, family, groups, options)


def _session(
    speaker: Speaker,
    port: Port,
    far: Neighbour,
    family: int,
    groups: tuple[Group, ...],
    options: BgpOptions,
) -> str:
    here = port.interface.ipv4.ip if family == 4 else port.interface.ipv6.ip
    peer = far.interface.ipv4.ip if family == 4 else far.interface.ipv6.ip
    own = speaker.node.ipv4 if family == 4 else speaker.node.ipv6
    hold = options.timers.hold
    checks = ", ".join(f"check-{group.name}" for group in groups)
    name = f"{port.interface.name}-{far.interface.node}-{family}"
    # an api that is not named gets the time as its name: two may be read within a tick of the clock
    return f"""\
neighbor {peer} {{
  router-id {speaker.node.ipv4};
  local-address {here};
  local-as {speaker.asn};
  peer-as {far.asn};
  {"" if hold is None else f"hold-time {int(hold)};"}
  family {{ ipv{family} unicast; }}
  api {name} {{ processes [ {checks} ]; }}
  static {{ route {_host(own)} next-hop self; }}
}}"""


def _host(address: Address) -> str:
    return f"{address}/{address.max_prefixlen}"


def options_file(group: Group) -> str:
    """The name of the file with the options of a group's health check."""
    return f"check-{group.name}.conf"


def switch_file(group: Group) -> str:
    """The name of the file that, while it exists, withdraws the member from a group."""
    return f"withdrawn-{group.name}"


def check_options(speaker: Speaker, group: Group, place: str) -> str:
    """Return the options of ``exabgp healthcheck`` for one group; *place* is the node's directory.

    A check may take a second; it is the program's least.
    """
    (member,) = [one for one in group.members if one.node == speaker.node.name]
    check = member.check or _ALWAYS
    command = _command(speaker, group, member.check)
    lines = [
        *([f"command = {command}"] if command else []),
        f"interval = {check.interval:g}",
        f"fast-interval = {check.interval:g}",
        "timeout = 1",
        f"fall = {check.fall}",
        f"rise = {check.rise}",
        *(f"ip = {_host(address)}" for address in group.addresses),
        f"disable = {place}/{switch_file(group)}",
        *("withdraw-on-down", "debounce", "no-ip-setup", "no-ack", "no-syslog"),
        f"name = {group.name}",
    ]
    return "\n".join(lines) + "\n"


def _command(speaker: Speaker, group: Group, check: Check | None) -> str:
    if check is None:
        return ""
    if check.service == "exec":
        return shlex.join(check.command)
    asked = group.addresses[0] if check.address == "service" else speaker.node.ipv4
    return shlex.join(["bash", "-c", f"exec 3<>/dev/tcp/{asked}/{check.port}"])
