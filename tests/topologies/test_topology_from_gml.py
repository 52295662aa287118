"""``scripts/topology-from-gml``: what it makes of a map, and what it says of a bad one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from anycastlab.topology.load import load

SCRIPT = Path(__file__).parents[2] / "scripts" / "topology-from-gml"

MAP = """
# a small map of our own
graph [
  Network "Small"
  NetworkDate "2026_01"
  node [ id 0 label "S&#227;o Tom&#233;" Latitude 0.0 Longitude 0.0 ]
  node [ id 1 label "NO" Latitude 0.0 Longitude 1.0 ]
  node [ id 2 label "East [end]" Latitude 0.0 Longitude 3.0 ]
  node [ id 3 label "None" hyperedge 1 ]
  edge [ source 0 target 1 ]
  edge [ source 1 target 0 ]
  edge [ source 1 target 1 ]
  edge [ source 1 target 3 ]
  edge [ source 3 target 2 ]
]
"""


def convert(folder: Path, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    path = folder / "Small.gml"
    path.write_text(text)
    command = [sys.executable, str(SCRIPT), str(path), "--name", "small", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_map_becomes_a_topology_that_loads(tmp_path: Path) -> None:
    made = convert(tmp_path, MAP, "--site", "no", "--group", "G")
    assert (made.returncode, made.stderr) == (0, "")
    (tmp_path / "small.yaml").write_text(made.stdout)
    network = load(tmp_path / "small.yaml").network
    assert network.role("router") == ("sao-tome", "no", "east-end", "junction-1")
    assert network.role("server") == network.groups["G"].instances == ("s-no",)
    assert network.role("client") == ("c-sao-tome", "c-east-end")
    # A degree of the equator is 111.2 km; the junction lies between its neighbours, at 2 E.
    assert [(link.a.node, link.b.node, link.cost) for link in network.links] == [
        ("sao-tome", "no", 111),
        ("no", "junction-1", 111),
        ("junction-1", "east-end", 111),
        ("s-no", "no", 1),
        ("c-sao-tome", "sao-tome", 1),
        ("c-east-end", "east-end", 1),
    ]


def test_the_file_names_its_source_and_the_command_but_no_directory(tmp_path: Path) -> None:
    made = convert(tmp_path, MAP, "--site", "no")
    assert "NetworkDate 2026_01" in made.stdout
    assert "scripts/topology-from-gml Small.gml --name small --site no" in made.stdout
    assert str(tmp_path) not in made.stdout


def test_a_place_is_renamed_and_moved(tmp_path: Path) -> None:
    made = convert(tmp_path, MAP, "--site", "oslo", "--place", "NO=oslo@0,2")
    assert "{endpoints: [sao-tome, oslo], cost: 222}" in made.stdout


def test_two_nodes_of_one_label_are_told_apart_by_their_id(tmp_path: Path) -> None:
    doubled = MAP.replace("East [end]", "NO")
    assert convert(tmp_path, doubled, "--site", "no").returncode == 2
    made = convert(tmp_path, doubled, "--site", "no", "--place", "2=no-east")
    assert "{endpoints: [junction-1, no-east], cost: 111}" in made.stdout


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (MAP, ["--site", "paris"], "the map has no paris"),
        (MAP, ["--site", "no", "--place", "Nowhere=x"], "no node labelled Nowhere"),
        (MAP, ["--site", "junction-1"], "the map has no junction-1"),
        (MAP, ["--site", "no", "--place", "NO=east-end"], "two nodes are called east-end"),
        (
            MAP.replace("Latitude 0.0 Longitude 1.0", "Latitude x Longitude 1"),
            ["--site", "no"],
            "'x'",
        ),
        (MAP.replace("Latitude 0.0 Longitude 1.0", ""), ["--site", "no"], "no coordinates for no"),
        (MAP.replace('"NO"', '"北京"'), ["--site", "x"], "makes no node name"),
        (MAP.replace("target 3 ]\n", "target 9 ]\n"), ["--site", "no"], "the map lacks '9'"),
        ("nothing here", ["--site", "x"], "holds no GML graph"),
        ("graph", ["--site", "x"], "not GML"),
    ],
)
def test_a_map_that_cannot_be_used_is_refused_with_the_reason(
    tmp_path: Path, text: str, options: list[str], message: str
) -> None:
    made = convert(tmp_path, text, *options)
    assert made.returncode == 2
    assert message in made.stderr
    assert made.stdout == ""


def test_a_map_that_is_missing_is_refused(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), str(tmp_path / "no.gml"), "--name", "x", "--site", "y"]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (made.returncode, made.stdout) == (2, "")
    assert "No such file" in made.stderr
