"""A fault: a way to break a lab or to mend it. Each is a step of an experiment, and a verb."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Self

from anycastlab.experiments.step import Context, Step
from anycastlab.experiments.verdict import Outcome

if TYPE_CHECKING:
    from anycastlab.lab.handle import Lab


class Fault(Step):
    """One way to break or to mend; the model is its argument in the file.

    ``arguments`` names what the verb takes on the command line after the lab.
    """

    arguments: ClassVar[tuple[str, ...]]

    @classmethod
    @abstractmethod
    def from_words(cls, words: Sequence[str]) -> Self:
        """Make it of the verb's words, as many as ``arguments`` has; UsageError on a bad one."""

    @abstractmethod
    def strike(self, lab: Lab) -> None:
        """Do it. Raises UsageError when it makes no sense now, such as to kill what is dead."""

    @abstractmethod
    def repair(self, lab: Lab) -> Fault:
        """Return the fault that undoes this one; ask before striking."""

    @abstractmethod
    def done(self) -> str:
        """Say in a few words what is true after the strike."""

    def run(self, context: Context) -> Outcome:
        """Strike, and say what the prediction makes of it."""
        before = context.lab.predict()
        self.strike(context.lab)
        after = context.lab.predict()
        moved = sum(after[pair] != instances for pair, instances in before.items())
        return Outcome(f"{self.done()}; predicted to move: {moved} of {len(before)} catchments")
