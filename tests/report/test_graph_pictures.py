"""Pictures of networks: DOT, Mermaid, and what Graphviz makes of them."""

from __future__ import annotations

import re
import shutil
from xml.etree import ElementTree

import pytest

from anycastlab.errors import ProgramError, UsageError
from anycastlab.report.graph import dot, mermaid, render
from anycastlab.report.graph_dot import is_dark, quoted
from anycastlab.report.graph_sketch import PALETTE
from anycastlab.routing.state import NetworkState
from anycastlab.topology.load import load_text
from anycastlab.topology.network import Network

BLUE, ORANGE = PALETTE[:2]

TEXT = """
name: picture
nodes: {r1: router, r2: router, c1: client, c2: client, c3: client, s1: server, s2: server}
links:
  - [c1, r1]
  - [c2, r2]
  - [s1, r1]
  - [s2, r2]
  - {endpoints: [r1, r2], cost: [10, 20]}
lans:
  office: {nodes: [c3, r1, r2], cost: 3}
anycast:
  A: {members: [s1, s2]}
  B: {members: [s2]}
"""

needs_graphviz = pytest.mark.skipif(shutil.which("dot") is None, reason="graphviz not installed")


@pytest.fixture
def network() -> Network:
    return load_text(TEXT, "picture.yaml").network


def line_of(text: str, start: str) -> str:
    """Return the only line that begins so."""
    (line,) = [line for line in text.splitlines() if line.strip().startswith(start)]
    return line


def mermaid_style(text: str, name: str) -> str:
    """Return the style that Mermaid text gives to the node of a name."""
    found = re.search(rf'^  (n\d+)\W+"{name}"', text, re.MULTILINE)
    assert found
    return line_of(text, f"style {found[1]} ")


def test_clients_and_servers_have_the_colour_of_their_instance(network: Network) -> None:
    text = dot(network)
    for name, colour in {"c1": BLUE, "s1": BLUE, "c2": ORANGE, "s2": ORANGE}.items():
        assert f'fillcolor="{colour}"' in line_of(text, f'"{name}" [')
        assert f"fill:{colour}" in mermaid_style(mermaid(network), name)
    for colour in PALETTE:
        assert colour not in line_of(text, '"r1" [')


def test_a_tie_shows_all_its_colours(network: Network) -> None:
    assert f'fillcolor="{BLUE};0.5:{ORANGE}"' in line_of(dot(network), '"c3" [')
    assert f"fill:{BLUE},stroke:{ORANGE}" in mermaid_style(mermaid(network), "c3")


def test_a_tie_of_three_is_drawn_in_wedges() -> None:
    servers = "s1: server, s2: server, s3: server"
    text = (
        f"name: star\nnodes: {{r: router, c: client, {servers}}}\n"
        "links: [[r, c], [r, s1], [r, s2], [r, s3]]\nanycast: {A: {members: [s1, s2, s3]}}\n"
    )
    line = line_of(dot(load_text(text, "star.yaml").network), '"c" [')
    assert f'style="wedged", fillcolor="{":".join(PALETTE[:3])}"' in line


def test_the_colours_are_those_of_the_group_asked_for(network: Network) -> None:
    text = dot(network, group="B")
    assert BLUE in line_of(text, '"c1" [')
    assert BLUE in line_of(text, '"s2" [')
    assert 'fillcolor="white"' in line_of(text, '"s1" [')
    assert "catchment of B" in text


def test_asymmetric_costs_stand_beside_their_senders_and_a_cost_of_1_nowhere(
    network: Network,
) -> None:
    text = dot(network)
    assert line_of(text, '"r1" -- "r2"') == '  "r1" -- "r2" [taillabel="10", headlabel="20"];'
    assert line_of(text, '"c1" -- "r1"') == '  "c1" -- "r1";'
    assert '|"10 / 20"|' in mermaid(network)


def test_a_lan_has_a_shape_of_its_own_and_its_cost_at_each_port(network: Network) -> None:
    text = dot(network)
    assert "hexagon" in line_of(text, '"lan:office" [')
    assert 'headlabel="3"' in line_of(text, '"lan:office" -- "c3"')
    assert '{{"office"}}' in mermaid(network)


def test_the_dead_and_the_cut_are_pale_and_the_catchment_is_that_of_the_state(
    network: Network,
) -> None:
    state = NetworkState(dead=frozenset({"s1"}), cut=frozenset({"office:c3"}))
    text = dot(network, state)
    assert "dashed" in line_of(text, '"s1" [')
    assert "dashed" in line_of(text, '"s1" -- "r1"')
    assert "dashed" in line_of(text, '"lan:office" -- "c3"')
    assert "dashed" not in line_of(text, '"lan:office" -- "r1"')
    assert ORANGE in line_of(text, '"c1" [')
    assert 'fillcolor="white"' in line_of(text, '"c3" [')
    assert "stroke-dasharray" in mermaid_style(mermaid(network, state), "s1")
    assert "-.-" in mermaid(network, state)
    assert "-.-" not in mermaid(network)


def test_a_network_without_groups_is_drawn_without_colours() -> None:
    text = "name: plain\nnodes: {r: router, c: client}\nlinks: [[r, c]]\n"
    network = load_text(text, "plain.yaml").network
    assert 'label="plain"' in dot(network)
    assert "catchment" not in mermaid(network)


def test_names_are_escaped() -> None:
    assert quoted('a"b\\c\nd') == '"a\\"b\\\\c\\nd"'


def test_text_is_white_on_dark_colours_alone() -> None:
    assert [is_dark(colour) for colour in ("#0072B2", "#F0E442")] == [True, False]


@needs_graphviz
def test_graphviz_draws_every_node_and_every_name_of_the_legend(network: Network) -> None:
    root = ElementTree.fromstring(render(network, "svg"))
    texts = {"".join(element.itertext()).strip() for element in root.iterfind(".//{*}text")}
    assert texts >= {*network.nodes, "office", "picture: catchment of A"}


@needs_graphviz
def test_a_png_is_a_png(network: Network) -> None:
    assert render(network, "png").startswith(b"\x89PNG\r\n")


def test_text_formats_need_no_graphviz(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert render(network, "dot").decode() == dot(network)
    assert render(network, "mermaid", group="B").decode() == mermaid(network, group="B")
    with pytest.raises(ProgramError, match=r"'dot' is not installed; apt install graphviz"):
        render(network, "svg")


def test_an_unknown_format_is_refused(network: Network) -> None:
    with pytest.raises(UsageError, match="did you mean 'svg'"):
        render(network, "svgz")


def test_an_instance_of_a_group_that_has_the_same_address_has_a_colour_too() -> None:
    text = TEXT.replace("members: [s1, s2]", "addresses: 192.0.2.1, members: [s1]")
    clash = text.replace("members: [s2]", "addresses: 192.0.2.1, registry: west, members: [s2]")
    drawn = dot(load_text(clash, "clash.yaml").network, group="A")
    assert BLUE in line_of(drawn, '"c1" [')
    assert ORANGE in line_of(drawn, '"c2" [')
    assert ORANGE in line_of(drawn, '"s2" [')
