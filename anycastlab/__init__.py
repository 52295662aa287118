"""anycastlab: a packet-level emulation lab for IP anycast on Linux network namespaces.

from anycastlab import Lab

with Lab.up("topologies/figure1.yaml") as lab:
    lab.kill("s1")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anycastlab.lab.handle import Lab as Lab

__version__ = "0.1.0"
__all__ = ["Lab", "__version__"]


def __getattr__(name: str) -> Any:
    """Import ``Lab`` when it is asked for: whoever wants only a topology needs no Linux."""
    if name == "Lab":
        from anycastlab.lab.handle import Lab

        return Lab
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
