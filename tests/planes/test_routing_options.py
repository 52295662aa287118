"""What `routing:` may say of a daemon, and what is said of mistakes in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from anycastlab.errors import TopologyError
from anycastlab.lab.planes import make
from anycastlab.lab.planes.check import check
from anycastlab.lab.timers import Timers
from anycastlab.lab.world import World
from anycastlab.topology.load import load_text
from anycastlab.topology.network import Routing
from anycastlab.topology.routing_models import BgpOptions, options_of, protocol_of
from tests.planes.harness import DIAMOND, network_of

HEAD = "name: x\nnodes: {r1: router, c1: client}\nlinks: [[c1, r1]]\nrouting: "


def routing(text: str) -> Routing:
    return load_text(f"{HEAD}{text}\n", "f", also=(check,)).network.routing


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        (
            "{daemon: bird, protocol: opsf}",
            "4:35",
            "bird speaks bgp, ospf, rip and babel, not 'opsf'; did you mean 'ospf'?",
        ),
        ("{daemon: frr, protocol: babel}", "4:34", "frr speaks bgp, ospf and rip, not 'babel'"),
        (
            "{daemon: bird, protocol: babel, bfd: true}",
            "4:47",
            "bird has no BFD for babel; it has for bgp, ospf and rip",
        ),
        (
            "{daemon: frr, protocol: rip, bfd: true}",
            "4:44",
            "frr has no BFD for rip; it has for bgp and ospf",
        ),
        ("{daemon: bird, bfd: 3}", "4:30", "expected true, or {interval: 50ms, multiplier: 3}"),
        (
            "{daemon: bird, bfd: {multiplyer: 2}}",
            "4:31",
            "unknown key 'multiplyer'; did you mean 'multiplier'?",
        ),
        ("{daemon: bird, timers: quick}", "4:33", "expected fast or default, not 'quick'"),
        (
            "{daemon: bird, timers: {hold: 2s}}",
            "4:33",
            "hold must be at least 3s (RFC 4271, section 4.2)",
        ),
        (
            "{daemon: bird, timers: {hold: 3s, keepalive: 5s}}",
            "4:33",
            "hold must be longer than keepalive",
        ),
        (
            "{daemon: bird, protocol: ospf, timers: {dead: 1s}}",
            "4:49",
            "dead must be longer than hello",
        ),
        (
            "{daemon: bird, timers: {hello: 3s}}",
            "4:34",
            "unknown key 'hello'; known here: connect, hold, keepalive, profile",
        ),
        ("{daemon: bird, timers: {hold: 3.5s}}", "4:40", "expected whole seconds, at least 1s"),
        ("{daemon: bird, timres: fast}", "4:25", "unknown key 'timres'; did you mean 'timers'?"),
        (
            "{daemon: frr, protocol: rip, timers: {update: 1s}}",
            "4:56",
            "frr takes no timer of RIP below 5s",
        ),
        (
            "{daemon: bird, detect: 1s}",
            "4:33",
            "bird converges in its own time: give it timers",
        ),
        (
            "{daemon: kernel, spread: 50}",
            "4:35",
            "expected a time with its unit, as 5ms or 1.5s, not 50",
        ),
        ("{daemon: kernel, timers: fast}", "4:27", "unknown key 'timers' for kernel"),
        ("{daemon: kernel, protocol: bgp}", "4:37", "kernel speaks no protocol; bird and frr do"),
    ],
)
def test_a_mistake_is_placed_and_explained(text: str, place: str, message: str) -> None:
    with pytest.raises(TopologyError) as caught:
        routing(text)
    assert str(caught.value) == f"f:{place}: {message}"


@pytest.mark.parametrize(
    "text",
    [
        "bird",
        "frr",
        "kernel",
        "{daemon: kernel, detect: 300ms, spread: 50ms}",
        "{daemon: bird, bfd: false}",
        "{daemon: bird, protocol: babel, bfd: false}",
        "{daemon: bird, protocol: ospf, timers: default, bfd: {interval: 10ms}}",
        "{daemon: frr, protocol: rip, timers: {update: 5s, timeout: 20s}}",
    ],
)
def test_what_is_right_passes(text: str) -> None:
    assert routing(text)


@pytest.mark.parametrize(("text", "protocol"), [("bird", "bgp"), ("frr", "bgp"), ("kernel", None)])
def test_a_daemon_has_a_default_protocol(text: str, protocol: str | None) -> None:
    assert protocol_of(routing(text)) == protocol


@pytest.mark.parametrize(
    ("timers", "hold", "keepalive"),
    [
        ("fast", 3, 1),
        ("default", None, None),
        ("{hold: 9s}", 9, 1),
        ("{profile: default, hold: 30s}", 30, None),
    ],
)
def test_single_timers_replace_those_of_a_profile(
    timers: str, hold: float | None, keepalive: float | None
) -> None:
    options = options_of(routing(f"{{daemon: bird, timers: {timers}}}"))
    assert isinstance(options, BgpOptions)
    assert (options.timers.hold, options.timers.keepalive) == (hold, keepalive)


def test_the_fast_profile_is_what_a_lab_gets() -> None:
    assert options_of(routing("bird")) == options_of(routing("{daemon: bird, timers: fast}"))


@pytest.mark.parametrize(
    ("routing", "seconds"),
    [
        ({"daemon": "kernel"}, 30),
        ({"daemon": "bird", "timers": "fast"}, 30),
        ({"daemon": "bird", "protocol": "rip", "timers": "default"}, 120),
    ],
)
def test_a_lab_is_given_the_time_its_timers_take_to_come_up(
    tmp_path: Path, routing: dict[str, str], seconds: int
) -> None:
    world = World(network_of(DIAMOND, **routing))
    assert make(world, tmp_path, Timers()).ready_within == seconds
