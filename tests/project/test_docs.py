"""The documentation says what the code does: registries, snippets, keys of JSON, topologies."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from anycastlab.cli.main import cli
from anycastlab.components.base import Component, Options
from anycastlab.components.registry import names
from anycastlab.experiments.registry import FAULTS, STEPS
from anycastlab.experiments.script import check
from anycastlab.topology.load import load_text

from .sources import PRODUCT, ROOT

DOCS = sorted((ROOT / "docs").glob("*.md"))
TOPOLOGIES = sorted((ROOT / "topologies").rglob("*.yaml"))
AROUND = """
nodes: {c1: client, c2: client, c3: client, s1: server, s2: server, s3: server,
        r1: router, r2: router, b1: router, b2: router, o1: router, o2: router}
links: [[c1, r1], [c2, r1], [c3, r1], [s1, r1], [r1, r2], [r1, b1], [b1, o1], [r2, b2], [b2, o2]]
lans: {lan1: {nodes: [r1, r2, s1, s2, s3, c1], subnet: [10.9.0.0/24, "2001:db8:9::/64"]}}
anycast: {A: {addresses: [10.9.0.100, "2001:db8:9::100"], members: [s1, s2, s3]}}
"""
"""What snippets speak of and leave out."""
WITH_JSON = [
    "cli/lifecycle",
    "cli/faults",
    "experiments/verdict",
    "probing/observation",
    "probing/resolve",
    "probing/timeline_json",
    "report/doctor",
    "report/jsonout",
    "report/prediction",
]
"""The modules that write documents of JSON."""


def text_of(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def first_cells(text: str) -> list[str]:
    """Return the first word in code of each row of the tables."""
    return re.findall(r"^\| `([a-z0-9-]+)", text, re.MULTILINE)


def snippets(path: Path, language: str = "yaml") -> list[Any]:
    """Return a file's code of a language, each piece under its file and line."""
    text = path.read_text(encoding="utf-8")
    return [
        pytest.param(found[1], id=f"{path.name}:{text.count(chr(10), 0, found.start()) + 2}")
        for found in re.finditer(rf"```{language}\n(.*?)```", text, re.DOTALL)
    ]


def in_a_network(snippet: str) -> str:
    """Return a whole topology that has the snippet: keys it leaves out are those of AROUND."""
    said = yaml.safe_load(snippet)
    said = {"experiment": said} if isinstance(said, list) else said
    whole: dict[str, Any] = {"name": "snippet", **yaml.safe_load(AROUND)}
    for key, value in said.items():
        whole[key] = {**whole[key], **value} if key in ("nodes", "anycast") else value
    return yaml.safe_dump(whole, sort_keys=False)


def literal_keys(path: Path) -> set[str]:
    """Return the keys of all mappings that are written out in a module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    displays = (node for node in ast.walk(tree) if isinstance(node, ast.Dict))
    keys = {key.value for one in displays for key in one.keys if isinstance(key, ast.Constant)}
    return {key for key in keys if isinstance(key, str)}


def test_every_component_has_its_row():
    tables = text_of("docs/components.md").partition("## Members that join")[0]
    rows = first_cells(tables)
    assert sorted(rows) == names()


def test_every_fault_has_its_row_and_every_step_its_place():
    text = text_of("docs/experiments.md")
    faults = text.partition("## Faults")[2].partition("## Results")[0]
    assert sorted(first_cells(faults)) == sorted(FAULTS)
    assert set(STEPS) == {verb for verb in STEPS if re.search(rf"^- {verb}:|`{verb}:", text, re.M)}


@pytest.mark.parametrize("snippet", snippets(ROOT / "README.md"))
def test_a_topology_of_the_readme_is_good_as_printed(snippet: str):
    assert load_text(snippet, "README.md", also=[check]).network.nodes


@pytest.mark.parametrize("snippet", [one for path in DOCS for one in snippets(path)])
def test_a_snippet_is_good_in_a_network_that_has_its_nodes(snippet: str):
    assert load_text(in_a_network(snippet), "snippet.yaml", also=[check]).network.nodes


def test_the_component_that_is_printed_is_one():
    (example,) = snippets(ROOT / "docs/components.md", "python")
    written: dict[str, Any] = {}
    exec(example.values[0], written)
    greeter = written["Greeter"]
    assert issubclass(greeter, Component)
    assert issubclass(greeter.options, Options)
    assert greeter().session("192.0.2.1").answer(b"?") == b"hello\n"


def test_every_verb_with_json_is_in_the_page_on_json():
    context = click.Context(cli)
    commands = {verb: cli.get_command(context, verb) for verb in cli.list_commands(context)}
    told = {verb for verb, one in commands.items() if any(p.name == "as_json" for p in one.params)}
    headings = re.findall(r"^## .*", text_of("docs/json.md"), re.MULTILINE)
    assert told - set(FAULTS) == set(re.findall(r"`([a-z-]+)`", " ".join(headings)))
    assert "## Faults" in headings


@pytest.mark.parametrize("module", WITH_JSON)
def test_every_key_of_json_is_documented(module: str):
    path = ROOT / "anycastlab" / f"{module}.py"
    assert path in PRODUCT
    text = text_of("docs/json.md")
    assert {
        key for key in literal_keys(path) if f"`{key}`" not in text and f'"{key}"' not in text
    } == set()


@pytest.mark.parametrize("path", TOPOLOGIES, ids=lambda path: path.stem)
def test_a_topology_begins_with_what_it_teaches(path: Path):
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert re.fullmatch(r"# \S.{25,}", first)


def test_every_topology_that_is_named_exists():
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *DOCS))
    named = set(re.findall(r"topologies/([a-z0-9-]+)\.yaml", text))
    assert named
    assert named <= {path.stem for path in TOPOLOGIES}


def anchors(path: Path) -> set[str]:
    """Return what links may name after a `#`: the headings, as they are written in links."""
    headings = re.findall(r"^#+ (.*)", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", one).strip().lower().replace(" ", "-") for one in headings}


@pytest.mark.parametrize("page", [ROOT / "README.md", *DOCS], ids=lambda path: path.name)
def test_every_link_leads_to_a_file_and_a_heading(page: Path):
    links = re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", page.read_text(encoding="utf-8"))
    for path, anchor in links:
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}"


def test_every_page_is_named_in_the_readme():
    readme = text_of("README.md")
    assert [path.name for path in DOCS if f"docs/{path.name}" not in readme] == []


def test_anchors_are_those_of_headings(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("# A page\n## Members, that `join`\n")
    assert anchors(page) == {"a-page", "members-that-join"}
