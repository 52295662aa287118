"""The step ``exec``: an unmodified program runs in a node, and is judged by what it says."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema

from anycastlab.errors import did_you_mean
from anycastlab.experiments.during import During, check_during, strikes
from anycastlab.experiments.fields import NAMES_SCHEMA, Duration, NamesField, names_of
from anycastlab.experiments.names import Complain, Names
from anycastlab.experiments.pacing import pause_until
from anycastlab.experiments.step import Context, Step
from anycastlab.experiments.verdict import Outcome
from anycastlab.lab.execution import Ended, Underway, run
from anycastlab.probing.stream_record import Strike
from anycastlab.topology.network import Network

_PLACEHOLDER = re.compile(r"\{([A-Za-z0-9-]+)\.([46])\}")
"""``{A.4}``: a group's or a node's address of that family."""
_INTERPRETER = "{python}"
_SHOWN = 60
_LOOK_EVERY = 0.005

Text = str | tuple[str, ...]


def _text(value: object) -> Text:
    if isinstance(value, str):
        return value
    return names_of(value)


class Exec(BaseModel, Step):
    """A program runs in a node, perhaps while faults strike, and ends as expected.

    A plain text is for the shell; a list is a program with its arguments. ``{A.4}`` and ``{s1.6}``
    in it, and in what it prints, stand for the IPv4 or IPv6 address of a group or a node,
    ``{python}`` for the interpreter, with its packages, that runs this.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    verb: ClassVar[str] = "exec"

    node: str = Field(description="Where it runs.")
    run_: Annotated[Text, PlainValidator(_text), WithJsonSchema(NAMES_SCHEMA)] = Field(
        alias="run", description="What runs: a line for the shell, or [program, argument, ...]."
    )
    status: int | None = Field(0, description="Its exit status; null: any.")
    output: NamesField = Field((), description="What it prints: all of these occur.")
    never: NamesField = Field((), description="What it does not print.")
    within: Duration = Field(30.0, description="How long it may take, as 5s.")
    when: str | None = Field(
        None, description="The first fault strikes when it has printed this; its time counts on."
    )
    before: Duration = Field(0.0, description="How long it runs on before the first fault.")
    apart: Duration = Field(0.0, description="The time between two faults.")
    during: During = ()

    def check(self, names: Names, complain: Complain) -> None:
        """The node, what the faults name, and what stands in braces must exist."""
        names.want_node(self.node, ("node",), complain)
        check_during(self.during, names, complain)
        known = {*names.nodes, *names.groups}
        written = {"run": self._command, "output": self.output, "never": self.never}
        for key, texts in written.items():
            for found in _PLACEHOLDER.finditer(" ".join(texts)):
                if found[1] not in known:
                    hint = did_you_mean(found[1], known)
                    complain((key,), f"no node or group {found[1]!r}{hint}")

    @property
    def _command(self) -> tuple[str, ...]:
        return ("/bin/sh", "-c", self.run_) if isinstance(self.run_, str) else self.run_

    def run(self, context: Context) -> Outcome:
        """Run it, let the faults strike, judge how it ended."""
        lab = context.lab
        command = [filled(word, lab.network) for word in self._command]
        meanwhile = _Meanwhile(self, strikes(self.during, lab))
        ended = run(lab, self.node, command, self.within, meanwhile)
        data = {"status": ended.status, "seconds": round(ended.seconds, 6), "output": ended.output}
        found = (*meanwhile.differences, *self.differences(ended, lab.network))
        return Outcome(_summary(ended), found, data=data)

    def differences(self, ended: Ended, network: Network) -> Iterator[str]:
        """Say what differs from what is expected."""
        wanted = [filled(text, network) for text in self.output]
        unwanted = [filled(text, network) for text in self.never]
        if ended.status is None:
            yield f"it did not end within {self.within:g} s; it printed {_shown(ended.output)}"
        elif self.status is not None and ended.status != self.status:
            said = _shown(ended.output)
            yield f"expected status {self.status}, it ended with {ended.status}; it printed {said}"
        for text in wanted:
            if text not in ended.output:
                yield f"expected it to print {text!r}, it printed {_shown(ended.output)}"
        for text in unwanted:
            if text in ended.output:
                yield f"expected it never to print {text!r}, it printed {_shown(ended.output)}"


class _Meanwhile:
    """The faults of a run. One that came too late for the first of them has shown nothing."""

    def __init__(self, step: Exec, struck: Sequence[Strike]) -> None:
        self._step, self._strikes = step, struck
        self.differences: tuple[str, ...] = ()

    def __call__(self, program: Underway) -> None:
        if not self._strikes or not self._awaited(program):
            return
        due = time.monotonic() + self._step.before
        for strike in self._strikes:
            pause_until(due)
            if strike is self._strikes[0] and program.over():
                self.differences = (f"it was over before this struck: {strike.text}",)
            strike.strike()
            due = time.monotonic() + self._step.apart

    def _awaited(self, program: Underway) -> bool:
        """Wait for what the program is to print first; return whether it has."""
        wanted, deadline = self._step.when, time.monotonic() + self._step.within
        while wanted is not None and wanted not in program.printed():
            if program.over() or time.monotonic() >= deadline:
                if wanted in program.printed():
                    break
                self.differences = (f"it did not print {wanted!r}, so nothing struck",)
                return False
            pause_until(time.monotonic() + _LOOK_EVERY)
        return True


def filled(text: str, network: Network) -> str:
    """Put addresses, and the interpreter, in the place of what stands in braces.

    What is no name stays as it is.
    """

    def address(found: re.Match[str]) -> str:
        name, family = found[1], int(found[2])
        group, node = network.groups.get(name), network.nodes.get(name)
        known = group.addresses if group else (node.ipv4, node.ipv6) if node else ()
        return next((str(one) for one in known if one.version == family), found[0])

    return _PLACEHOLDER.sub(address, text).replace(_INTERPRETER, sys.executable)


def _summary(ended: Ended) -> str:
    how = "was killed" if ended.status is None else f"ended with status {ended.status}"
    return f"{how} after {ended.seconds:.2f} s: {_shown(ended.output)}"


def _shown(output: str) -> str:
    lines = output.strip().splitlines()
    last = lines[-1].strip() if lines else ""
    return repr(last if len(last) <= _SHOWN else f"{last[: _SHOWN - 1]}…") if last else "nothing"
