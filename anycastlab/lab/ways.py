"""Which way packets vanish."""

from __future__ import annotations

from typing import Literal

Way = Literal["both", "there", "back", "out", "in"]
"""Of a link: ``there`` is from the first end named to the second. Of a node: ``out`` of it."""
WAYS_OF_LINK: tuple[Way, ...] = ("both", "there", "back")
WAYS_OF_NODE: tuple[Way, ...] = ("both", "out", "in")
