"""What the house style forbids, checked on every file; each check is shown to bite."""

from __future__ import annotations

import ast
import re

import pytest

from .sources import PRODUCT, ROOT, SUITE, calls, functions, name, shell_scripts

FILE_LINES, FUNCTION_LINES = 300, 60
SLEEPS = {"sleep", "time.sleep", "asyncio.sleep", "os.sleep", "trio.sleep", "anyio.sleep"}
PRINTS = {"print", "click.echo", "click.secho", "sys.stdout.write", "sys.stderr.write"}
SHELL_SLEEP = re.compile(r"(?:^|[\s;&|(\"'])sleep\s+[\d.$]")
SOURCES = [*PRODUCT, *SUITE]


def naps(source: str) -> list[int]:
    """Return the lines of Python that sleep, themselves or through a shell."""
    tree = ast.parse(source)
    lines = [line for line, callee in calls(tree) if callee in SLEEPS]
    strings = (node for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return lines + [
        node.lineno
        for node in strings
        if isinstance(node.value, str) and SHELL_SLEEP.search(node.value)
    ]


def prints(source: str) -> list[int]:
    """Return the lines that write to the terminal."""
    return [line for line, callee in calls(ast.parse(source)) if callee in PRINTS]


def long_functions(source: str) -> list[str]:
    """Return the names of functions of too many lines."""
    return [
        node.name
        for node in functions(ast.parse(source))
        if (node.end_lineno or 0) - node.lineno + 1 >= FUNCTION_LINES
    ]


def test_nothing_in_product_or_tests_sleeps():
    """This file is left out: it has to name what it forbids."""
    others = [path for path in SOURCES if path.name != "test_style.py"]
    found = {name(path): naps(path.read_text()) for path in others}
    assert {file: lines for file, lines in found.items() if lines} == {}


def test_no_script_sleeps():
    found = {
        name(path): [line for line in path.read_text().splitlines() if SHELL_SLEEP.search(line)]
        for path in shell_scripts()
    }
    assert {file: lines for file, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "line",
    [
        "time.sleep(1)",
        "sleep(0.1)",
        "await_(asyncio.sleep(0))",
        "run('sleep 1')",
        "run(['sh', '-c', 'x; sleep 0.5'])",
    ],
)
def test_a_sleep_is_seen(line):
    assert naps(line) == [1]


@pytest.mark.parametrize("line", ["event.wait(1)", "sleepless(1)", "'they sleep well'"])
def test_what_is_no_sleep_is_not_taken_for_one(line):
    assert naps(line) == []


def test_only_the_command_line_prints():
    elsewhere = [path for path in PRODUCT if ROOT / "anycastlab/cli" not in path.parents]
    found = {name(path): prints(path.read_text()) for path in elsewhere}
    assert {file: lines for file, lines in found.items() if lines} == {}
    assert prints("print('x')") == [1]
    assert prints("click.echo('x')") == [1]
    assert prints("printer.printed('x')") == []


def test_files_stay_short():
    found = {name(path): len(path.read_text().splitlines()) for path in SOURCES}
    assert {file: lines for file, lines in found.items() if lines >= FILE_LINES} == {}


def test_functions_stay_short():
    found = {name(path): long_functions(path.read_text()) for path in SOURCES}
    assert {file: names for file, names in found.items() if names} == {}


@pytest.mark.parametrize(("lines", "found"), [(58, []), (59, ["f"])])
def test_a_long_function_is_seen(lines, found):
    assert long_functions("def f():\n" + "    x()\n" * lines) == found
