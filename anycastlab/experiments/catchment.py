"""The step ``catchment``: which instance each client reaches, against the prediction or a map."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from anycastlab.experiments.fields import (
    PREDICTED,
    NamesField,
    Probing,
    Wanted,
    WantedByClientField,
)
from anycastlab.experiments.judging import delivered
from anycastlab.experiments.names import Complain, Names
from anycastlab.experiments.rounds import Round
from anycastlab.experiments.step import Context, Step
from anycastlab.experiments.verdict import Outcome
from anycastlab.probing.observation import Observation


class Catchment(Probing, Step):
    """Every client (or those named) must reach the instance predicted, or the one mapped to it."""

    verb: ClassVar[str] = "catchment"

    group: str | None = None
    wanted: WantedByClientField = Field(default=PREDICTED, alias="is")
    clients: NamesField | None = None

    def check(self, names: Names, complain: Complain) -> None:
        """Groups, clients and instances must exist; a map names its clients itself."""
        if self.group is not None and not names.want_group(self.group, ("group",), complain):
            return
        for place, client in enumerate(self.clients or ()):
            names.want_client(client, ("clients", place), complain)
        if isinstance(self.wanted, str):
            return
        if self.clients is not None:
            complain(("clients",), "the clients of a map are its keys: leave clients out")
        if self.group is None and len(names.groups) > 1:
            complain((), f"whose catchment? give group: one of {', '.join(names.groups)}")
        self._check_map(self.wanted, names, complain)

    def _check_map(self, mapped: dict[str, Wanted], names: Names, complain: Complain) -> None:
        groups = names.groups if self.group is None else (self.group,)
        for client, want in mapped.items():
            names.want_client(client, ("is", client), complain)
            for place, instance in enumerate(() if want == PREDICTED else want):
                names.want_member(instance, groups, ("is", client, place), complain)

    def judge(self, observation: Observation) -> str | None:
        """Say what was expected of this client if it is not what was observed."""
        if isinstance(self.wanted, str):
            return delivered(self.wanted)(observation)
        return delivered(self.wanted[observation.client])(observation)

    def run(self, context: Context) -> Outcome:
        """Probe, and judge."""
        mapped = None if isinstance(self.wanted, str) else tuple(self.wanted)
        origin = context.senders(mapped or self.clients)
        groups = tuple(context.lab.network.groups) if self.group is None else (self.group,)
        probes = Round(context.prober, origin, groups, self.families, self.protocols, (self.judge,))
        return probes.once() if self.within is None else probes.within(self.within)
