"""Every error anycastlab raises, and the exit status each one means.

AnycastlabError
├── UsageError            2   the command or its arguments are wrong
├── TopologyError         2   the topology file is wrong (one Problem for each mistake)
├── HostError             3   this host cannot do it
│   ├── PrivilegeError    3     root, or a user namespace, is needed
│   ├── FeatureError      3     the kernel lacks a feature
│   ├── ProgramError      3     a program is missing or failed
│   ├── StateError        3     the lab's state cannot be written or read
│   └── NotReadyError     3     a readiness condition did not hold before the deadline
├── LabNameError          4   no such lab, or the name is taken
│   ├── NoSuchLabError    4
│   ├── LabExistsError    4
│   └── LostLabError      4     its supervisor ended while it was in use
└── InterruptedLabError 130   Ctrl-C, or the lab was taken down while it came up
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the known word nearest to *word*, or an empty string."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""


class AnycastlabError(Exception):
    """The base of all errors a user can cause or meet; ``str()`` is the message for people."""

    exit_status = 1


class UsageError(AnycastlabError):
    """The command, an option or an argument is wrong."""

    exit_status = 2


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake in a topology file: its place (lines and columns count from 1) and a message."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class TopologyError(AnycastlabError):
    """A topology file is wrong; ``problems`` holds every mistake found, in file order."""

    exit_status = 2

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(map(str, self.problems)))


class HostError(AnycastlabError):
    """This host cannot do it: what is missing, and what to do about it."""

    exit_status = 3

    def __init__(self, what: str, remedy: str = "") -> None:
        self.what, self.remedy = what, remedy
        super().__init__(f"{what}; {remedy}" if remedy else what)


class PrivilegeError(HostError):
    """Root, or the right to make a user namespace, is needed."""


class FeatureError(HostError):
    """The kernel lacks a feature."""


class ProgramError(HostError):
    """A program is not installed, or it failed."""


class StateError(HostError):
    """The lab's state on disk cannot be written or read."""


class NotReadyError(HostError):
    """A condition for the lab to be ready did not hold before the deadline."""


class LabNameError(AnycastlabError):
    """A lab's name leads nowhere, or is taken."""

    exit_status = 4


class NoSuchLabError(LabNameError):
    """No lab of this name is up."""

    def __init__(self, name: str, known: Iterable[str] = ()) -> None:
        self.name, self.known = name, tuple(known)
        up = f"; up now: {', '.join(self.known)}" if self.known else "; no lab is up"
        asked = f"no lab {name!r}{did_you_mean(name, self.known) or up}"
        super().__init__(asked if name else "no lab is up; bring one up: anycastlab up FILE")


class LabExistsError(LabNameError):
    """The name is taken."""


class LostLabError(LabNameError):
    """A lab's supervisor ended while the lab was in use, and the lab went with it."""

    def __init__(self, text: str = "") -> None:
        super().__init__(text or "the lab has gone: its supervisor ended; see anycastlab list")


class InterruptedLabError(AnycastlabError):
    """The work was interrupted; nothing of it is left behind."""

    exit_status = 130
