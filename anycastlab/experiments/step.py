"""The seam of experiments: a step is a typed model of what stands after its verb in the file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from anycastlab.errors import UsageError
from anycastlab.experiments.names import Complain, Names
from anycastlab.experiments.verdict import Outcome

if TYPE_CHECKING:
    from anycastlab.lab.handle import Lab
    from anycastlab.probing.prober import Prober


@dataclass(frozen=True, slots=True)
class Context:
    """What a step may use: the running lab, and a prober in it."""

    lab: Lab
    prober: Prober

    def senders(self, clients: tuple[str, ...] | None) -> tuple[str, ...]:
        """Return these clients, or all that are alive; UsageError for one that is dead."""
        dead = self.lab.state().dead
        if clients is None:
            return tuple(name for name in self.lab.network.role("client") if name not in dead)
        for name in clients:
            if name in dead:
                raise UsageError(f"client {name!r} is dead and cannot probe")
        return clients


class Step(ABC):
    """One thing an experiment does or expects.

    A step is a pydantic model too (a ``RootModel`` where the file has a plain value), so its
    argument is checked when the file is read. To add one: subclass, and list it in the registry.
    """

    verb: ClassVar[str]

    @abstractmethod
    def check(self, names: Names, complain: Complain) -> None:
        """Complain of every name in the argument that the topology does not have."""

    @abstractmethod
    def run(self, context: Context) -> Outcome:
        """Do it in the lab. Raises UsageError for what the lab, as it is now, cannot do."""
