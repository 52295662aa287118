"""The project's own files."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = sorted((ROOT / "anycastlab").rglob("*.py"))
SUITE = sorted((ROOT / "tests").rglob("*.py"))
SCRIPTS = sorted(
    path for path in (*(ROOT / "scripts").iterdir(), ROOT / ".ci/run") if path.is_file()
)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def name(path: Path) -> str:
    """Return a file's name as people know it: below the project's root."""
    return str(path.relative_to(ROOT))


def first_line(path: Path) -> str:
    """Return a file's first line, or an empty string."""
    return next(iter(path.read_text(encoding="utf-8").splitlines()), "")


def shell_scripts() -> list[Path]:
    """Return the scripts that are written in shell."""
    return [path for path in SCRIPTS if first_line(path).endswith(("bash", "sh"))]


def functions(tree: ast.AST) -> Iterator[Function]:
    """Yield every function and method of a module."""
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield node


def calls(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name) of every call whose callee is a plain dotted name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            callee = ast.unparse(node.func)
            if callee.replace(".", "").replace("_", "").isalnum():
                yield node.lineno, callee
