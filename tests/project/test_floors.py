"""The house has floors, and each imports only from those below it."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from .sources import PRODUCT, ROOT, name

FLOORS = (
    "errors",
    "topology",
    "routing",
    "kernel",
    "components",
    "lab",
    "probing",
    "experiments",
    "report",
    "cli",
    "census",
    "pytest_plugin",
)
"""From the ground up. ``census`` and ``pytest_plugin`` stand on the roof: they are for tests."""
DOORS = {"__init__", "__main__"}
"""The package's own entrances, which may import any floor."""
PURE = ("topology", "routing")
PURE_NEEDS = {"pydantic", "pydantic_core", "yaml", "anycastlab"}
LINUX = {"fcntl", "resource", "socket"}


def imported(source: str, module: str) -> set[str]:
    """Return the dotted names *source*, the text of *module*, imports, absolute."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(module.split(".")[: -node.level]) if node.level else ""
            start = ".".join(filter(None, (base, node.module)))
            found |= {f"{start}.{alias.name}" for alias in node.names}
    return found


def climbs(source: str, module: str) -> list[str]:
    """Return the imports of *module* that lead to a floor above its own."""
    own = module.split(".")[1]
    if own in DOORS:
        return []
    height = FLOORS.index(own)
    targets = [dotted.split(".")[1] for dotted in sorted(imported(source, module)) if ours(dotted)]
    return [
        f"{module} imports {target}"
        for target in targets
        if target != "__version__" and (target not in FLOORS or FLOORS.index(target) > height)
    ]


def ours(dotted: str) -> bool:
    return dotted.startswith("anycastlab.")


def dotted_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts)


def test_every_floor_imports_only_from_those_below():
    assert [
        climb for path in PRODUCT for climb in climbs(path.read_text(), dotted_name(path))
    ] == []


@pytest.mark.parametrize(
    "line",
    [
        "from anycastlab.lab import handle",
        "import anycastlab.lab.handle",
        "from anycastlab import lab",
        "from anycastlab import Lab",
        "from ..lab import handle",
        "from ..lab.handle import Lab",
        "def late():\n    from anycastlab.probing.prober import Prober",
    ],
)
def test_an_import_from_above_is_seen(line):
    assert climbs(line, "anycastlab.kernel.netlink") != []


def test_imports_from_below_and_from_the_same_floor_are_fine():
    text = "from anycastlab.errors import HostError\nfrom .netlink import Netlink\nimport os"
    assert climbs(text, "anycastlab.kernel.sysctl") == []


def strangers(source: str, module: str) -> set[str]:
    """Return the packages *source* imports that a pure floor may not have."""
    tops = {dotted.split(".")[0] for dotted in imported(source, module)}
    return (tops - sys.stdlib_module_names - PURE_NEEDS) | (tops & LINUX)


def test_the_lowest_floors_need_neither_linux_nor_scapy():
    found = {
        name(path): strangers(path.read_text(), dotted_name(path))
        for path in PRODUCT
        if dotted_name(path).split(".")[1] in PURE
    }
    assert {file: packages for file, packages in found.items() if packages} == {}


def test_a_stranger_on_a_low_floor_is_seen():
    text = "import fcntl, yaml\nfrom scapy.all import IP"
    assert strangers(text, "anycastlab.topology.load") == {"fcntl", "scapy"}


def heavy(module: str) -> set[str]:
    """Return which heavy packages importing *module* in a new process brings in."""
    code = (
        "import importlib, json, sys; importlib.import_module(sys.argv[1]); "
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, module], capture_output=True, check=True, cwd=ROOT
    )
    return {"scapy", "networkx", "rich"} & set(json.loads(done.stdout))


def test_bringing_a_lab_up_imports_neither_scapy_nor_networkx_nor_rich():
    assert heavy("anycastlab.cli.lifecycle") == set()
    assert heavy("anycastlab.lab.handle") == set()


def test_a_heavy_import_would_be_seen():
    assert heavy("anycastlab.report.doctor") == {"rich"}
