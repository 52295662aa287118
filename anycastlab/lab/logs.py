"""What a lab's supervisor and its daemons wrote: their logs, and what they were told to do."""

from __future__ import annotations

import shutil
from pathlib import Path

_KEPT = ("*.log", "*.conf")


def save(directory: Path, into: Path) -> int:
    """Copy logs and configurations out of a lab's *directory*, by node; return how many there were.

    Empty ones are left where they are. Raises OSError when they cannot be written.
    """
    found = [path for kind in _KEPT for path in sorted(directory.rglob(kind)) if path.is_file()]
    kept = [path for path in found if path.stat().st_size]
    for path in kept:
        place = into / path.relative_to(directory)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    return len(kept)
