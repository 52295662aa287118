"""The configuration of BIRD 2 in one node. Pure: text of a speaker and the protocol's options.

Three protocols feed every table: ``anycast``, the service addresses on `lo`, which is also the
switch by which a member withdraws; ``own``, the node's own addresses; ``links``. A host takes part
without learning: its way back is a static default, so a daemon that restarts leaves no hole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType

from anycastlab.kernel import joined_routes
from anycastlab.lab.planes.speakers import Neighbour, Port, Speaker
from anycastlab.topology.network import Address
from anycastlab.topology.routing_models import (
    BabelOptions,
    BabelTimers,
    Bfd,
    BgpOptions,
    BgpTimers,
    OspfOptions,
    OspfTimers,
    RipOptions,
    RipTimers,
    RoutingOptions,
)

ANYCAST = "anycast"
"""The protocol that announces the service addresses: `birdc disable anycast` withdraws them."""
_FAMILIES = (4, 6)
_STATIC, _STATIC_LEAST = 200, 160
"""Preferences of static routes, the nearest first: all of them above what a protocol learns."""


def config(speaker: Speaker, options: RoutingOptions) -> str:
    """Return the configuration file of a speaker."""
    return "\n".join([*_common(speaker), *_bfd(speaker, options.bfd), *_protocol(speaker, options)])


def _protocol(speaker: Speaker, options: RoutingOptions) -> Iterator[str]:
    if isinstance(options, BgpOptions):
        yield from _bgp(speaker, options)
    elif isinstance(options, OspfOptions):
        yield from _ospf(speaker, options)
    elif isinstance(options, RipOptions):
        yield from _rip(speaker, options)
    else:
        yield from _babel(speaker, options)


def _common(speaker: Speaker) -> Iterator[str]:
    yield f"router id {speaker.node.ipv4};"
    yield "log stderr { info, remote, warning, error, auth, fatal, bug };"
    yield "protocol device { scan time 10; }"
    yield _direct("own", speaker.own)
    yield _direct(ANYCAST, speaker.services)
    if speaker.node.forwards:
        names = ", ".join(f'"{port.interface.name}"' for port in speaker.ports)
        yield f"protocol direct links {{ ipv4; ipv6; interface {names}; }}"
        for family in _FAMILIES:
            yield from _joins(speaker, family)
            yield _kernel(speaker, family)
            yield from _silent(speaker, family)


def _direct(name: str, addresses: Iterable[Address]) -> str:
    return "\n".join(
        [
            f"protocol direct {name} {{",
            *(f"  ipv{family} {{ import {_only(addresses, family)}; }};" for family in _FAMILIES),
            '  interface "lo";',
            "}",
        ]
    )


def _only(addresses: Iterable[Address], family: int) -> str:
    nets = [f"{one}/{one.max_prefixlen}" for one in addresses if one.version == family]
    return f"where net ~ [ {', '.join(nets)} ]" if nets else "none"


def _kernel(speaker: Speaker, family: int) -> str:
    source = speaker.node.ipv4 if family == 4 else speaker.node.ipv6
    joins = any(port.joined for port in speaker.ports)
    return f"""\
protocol kernel kernel{family} {{
  merge paths on limit 64;{" learn;" if joins else ""}
  ipv{family} {{
    import {f"filter joins{family}" if joins else "none"};
    export filter {{
      if source = RTS_DEVICE then reject;
      krt_prefsrc = {source};
      accept;
    }};
  }};
}}"""


def _joins(speaker: Speaker, family: int) -> Iterator[str]:
    """A filter for what this router's membership agent has written: as far as if the member spoke.

    A member that speaks would be one hop and one AS farther than the router. OSPF says by itself
    where packets are to be forwarded (RFC 2328, section 12.4.4.1), and reckons with that.
    """
    if not any(port.joined for port in speaker.ports):
        return
    yield f"filter joins{family} {{"
    yield f"  if krt_source != {joined_routes.ORIGIN} then reject;"
    yield f"  preference = {_STATIC};"
    yield f"  rip_metric = 2; bgp_path = prepend(+empty+, {speaker.asn});"
    for port in speaker.ports:
        if port.joined:
            yield f'  if ifname = "{port.interface.name}" then babel_metric = {port.cost};'
    yield "  accept;"
    yield "}"


def _silent(speaker: Speaker, family: int) -> Iterator[str]:
    """Static routes to those beside it that run no daemon, as dear as the way to them."""
    by_cost = sorted({port.cost for port in speaker.ports})
    for port in speaker.ports:
        if port.silent:
            attributes = f"ospf_metric1 = {port.cost}; babel_metric = {port.cost};"
            preference = max(_STATIC - by_cost.index(port.cost), _STATIC_LEAST)
            yield f"protocol static '{port.interface.name}.v{family}' {{"
            yield f"  ipv{family} {{ preference {preference}; }};"
            for far in port.silent:
                host = f"{_own(far, family)}/{32 if family == 4 else 128}"
                yield f"  route {host} via {_address(far, family)} {{ {attributes} }};"
            yield "}"


def _own(far: Neighbour, family: int) -> Address:
    return far.node.ipv4 if family == 4 else far.node.ipv6


def _address(far: Neighbour, family: int) -> Address:
    return far.interface.ipv4.ip if family == 4 else far.interface.ipv6.ip


def _channel(speaker: Speaker, family: int, export: str = "export all;") -> str:
    """What it learns and tells: a host tells what is its own, and learns nothing."""
    learns = "import all" if speaker.node.forwards else "import none"
    return f"ipv{family} {{ {learns}; {export} }};"


def _bfd(speaker: Speaker, bfd: Bfd | None) -> Iterator[str]:
    if bfd:
        every = f"interval {_ms(bfd.interval)}; multiplier {bfd.multiplier};"
        yield "protocol bfd {"
        for port in speaker.ports:
            yield f'  interface "{port.interface.name}" {{ {every} }};'
        yield "}"


def _ms(seconds: float) -> str:
    return f"{round(seconds * 1000)} ms"


_Rows = Mapping[str, str]
_BGP: _Rows = MappingProxyType({"hold": "hold time", "keepalive": "keepalive time"})
_OSPF: _Rows = MappingProxyType({"hello": "hello", "dead": "dead", "retransmit": "retransmit"})
_RIP: _Rows = MappingProxyType(
    {"update": "update time", "timeout": "timeout time", "garbage": "garbage time"}
)
_BABEL: _Rows = MappingProxyType({"hello": "hello interval", "update": "update interval"})


def _timers(
    timers: BgpTimers | OspfTimers | RipTimers | BabelTimers,
    words: _Rows,
    unit: Callable[[float], str] = lambda value: str(int(value)),
) -> str:
    """BIRD's words for the timers that are given."""
    given = [(word, getattr(timers, name)) for name, word in words.items()]
    return " ".join(f"{word} {unit(value)};" for word, value in given if value is not None)


def _bgp(speaker: Speaker, options: BgpOptions) -> Iterator[str]:
    connect = options.timers.connect
    timers = _timers(options.timers, _BGP)
    if connect is not None:
        wait = int(connect)
        timers += f" connect delay time 0; connect retry time {wait};"
        timers += f" error wait time {wait}, {2 * wait}; error forget time {wait};"
    yield f"template bgp peer {{ check link yes; bfd {_switch(options.bfd)}; {timers} }}"
    for port in speaker.ports:
        for far in port.neighbours:
            for family in _FAMILIES:
                yield _session(speaker, port, far, family)


def _session(speaker: Speaker, port: Port, far: Neighbour, family: int) -> str:
    name = f"{port.interface.name}.{far.node.name}.v{family}"
    here = port.interface.ipv4.ip if family == 4 else port.interface.ipv6.ip
    return f"""\
protocol bgp '{name}' from peer {{
  local {here} as {speaker.asn};
  neighbor {_address(far, family)} as {far.asn};
  {_channel(speaker, family)}
}}"""


def _switch(value: object) -> str:
    return "yes" if value else "no"


def _ospf(speaker: Speaker, options: OspfOptions) -> Iterator[str]:
    timers = _timers(options.timers, _OSPF)
    if options.timers.hello is not None:
        timers += f" wait {2 * int(options.timers.hello)};"
    ports = [_ospf_port(port, timers, options.bfd) for port in speaker.ports]
    # Every host route is an external of type 1, so that all compare by the one rule: the way to
    # whoever announces it. A prefix of an area would win over any external, near or far.
    export = "export where prepare();"
    yield _PREPARE
    for family, version in zip(_FAMILIES, ("v2", "v3"), strict=True):
        yield f"protocol ospf {version} ospf{version[1]} {{"
        yield f"  ecmp yes; merge external yes; stub router {_switch(not speaker.node.forwards)};"
        yield f"  {_channel(speaker, family, export)}"
        yield "  area 0 {"
        yield from ports
        yield "  };\n}"


_PREPARE = """\
function prepare() {
  if proto = "links" || source ~ [ RTS_OSPF, RTS_OSPF_IA, RTS_OSPF_EXT1, RTS_OSPF_EXT2 ]
  then return false;
  if source != RTS_STATIC then ospf_metric1 = 1;
  return true;
}"""


def _ospf_port(port: Port, timers: str, bfd: Bfd | None) -> str:
    name = f'    interface "{port.interface.name}"'
    if not port.neighbours:
        return f"{name} {{ stub yes; cost {port.cost}; }};"
    kind = "bcast" if port.shared else "ptp"
    return (
        f"{name} {{ type {kind}; cost {port.cost}; check link yes; bfd {_switch(bfd)}; {timers} }};"
    )


def _rip(speaker: Speaker, options: RipOptions) -> Iterator[str]:
    timers = _timers(options.timers, _RIP)
    for family, kind in zip(_FAMILIES, ("rip", "rip ng"), strict=True):
        yield f"protocol {kind} rip{family} {{"
        yield f"  ecmp on; {_channel(speaker, family)}"
        for port in speaker.ports:
            if port.neighbours:
                every = f"metric 1; check link yes; bfd {_switch(options.bfd)}; {timers}"
                yield f'  interface "{port.interface.name}" {{ {every} }};'
        yield "}"


def _babel(speaker: Speaker, options: BabelOptions) -> Iterator[str]:
    timers = _timers(options.timers, _BABEL, _ms)
    yield "protocol babel babel1 {"
    yield from (f"  {_channel(speaker, family)}" for family in _FAMILIES)
    for port in speaker.ports:
        if port.neighbours:
            # the receiver says what a link costs, so this is the price of the way to this node
            every = f"type wired; rxcost {port.cost_back}; check link yes; {timers}"
            yield f'  interface "{port.interface.name}" {{ {every} }};'
    yield "}"
