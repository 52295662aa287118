"""Call one function in this process and print what it returns as JSON: python -m benchmarks.worker"""

from __future__ import annotations

import importlib
import json
import sys


def main(module: str, function: str, *arguments: str) -> None:
    """Call *module*.*function* with *arguments*."""
    print(json.dumps(getattr(importlib.import_module(module), function)(*arguments)))


if __name__ == "__main__":
    main(*sys.argv[1:])
