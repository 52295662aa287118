"""One lab that many tests share: each puts right what it broke."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import yaml

from anycastlab.errors import UsageError
from anycastlab.experiments.fault import Fault
from anycastlab.experiments.load import load_checked
from anycastlab.experiments.script import typed
from anycastlab.experiments.step import Context
from anycastlab.experiments.verdict import Outcome
from anycastlab.lab.handle import Lab
from anycastlab.probing.prober import Prober


class SharedLab:
    """A lab that is up, with a prober in it; steps are given as they stand in a file."""

    def __init__(self, lab: Lab, prober: Prober) -> None:
        self.lab, self.prober = lab, prober

    @classmethod
    @contextmanager
    def up(cls, topology: str, name: str, folder: Path) -> Iterator[SharedLab]:
        """Bring a topology, all but its name, up under a name of its own."""
        file = folder / f"{name}.yaml"
        file.write_text(f"name: {name}\n{topology}")
        with Lab.launch(load_checked(file).network, file) as lab, Prober(lab) as prober:
            yield cls(lab, prober)

    def do(self, step: str) -> Outcome:
        """Take one step. Raises what the lab refuses."""
        ((verb, argument),) = yaml.safe_load(step).items()
        return typed(verb, argument).run(Context(self.lab, self.prober))

    @contextmanager
    def struck(self, *faults: str) -> Iterator[None]:
        """Let faults strike, and repair them afterwards, the last one first."""
        repairs: list[Fault] = []
        try:
            for step in faults:
                ((verb, argument),) = yaml.safe_load(step).items()
                fault = typed(verb, argument)
                assert isinstance(fault, Fault)
                repairs.append(fault.repair(self.lab))
                fault.strike(self.lab)
            yield
        finally:
            for repair in reversed(repairs):
                with suppress(UsageError):  # it was repaired by the test, or never struck
                    repair.strike(self.lab)
