"""Call one function of this package in this process, and print what it returns as JSON."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path


def main(module: str, function: str, *arguments: str) -> None:
    """Call *module*.*function* with *arguments*."""
    # in the place of this file's own folder, whose modules go by their full names
    sys.path[0] = str(Path(__file__).parents[1])
    print(json.dumps(getattr(importlib.import_module(module), function)(*arguments)))


if __name__ == "__main__":
    main(*sys.argv[1:])
