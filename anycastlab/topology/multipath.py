"""The options of ``routing: {multipath: ...}``, as written."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, StrictBool

from anycastlab.topology.forms import Strict


class MultipathSpec(Strict):
    """How routers choose among equally near next hops (ECMP)."""

    hash: Literal["header", "l3", "l4"] = Field(
        "header",
        description="What decides: header: addresses, protocol and ports; l3: addresses alone; "
        "l4: the hash of the sender's socket, which another try of the sender changes.",
    )
    resilient: StrictBool = Field(
        False, description="true: when a next hop goes or comes, flows over the others stay."
    )
    seeds: StrictBool = Field(
        True, description="false: all routers hash alike, so those in a row choose alike."
    )

    def refused_by(self, daemon: str) -> str:
        """Return why a daemon cannot route like this; '' when it can."""
        if self.resilient and daemon != "kernel":
            return f"{daemon} writes no resilient groups: use daemon: kernel, or resilient: false"
        return ""
