"""One folder for each run of a topology: all that is worth keeping of it.

report.json     the verdict, as `run --json` has it
junit.xml       the same for Jenkins, GitLab and their like
topology.yaml   the file
stream-LINE.svg a picture of the stream in that line, if matplotlib is there to draw it
logs/           what the supervisor and the daemons said, and the daemons' configurations
pcaps/          the captures, if some were asked for
"""

from __future__ import annotations

import itertools
import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from anycastlab.errors import ProgramError, UsageError
from anycastlab.report.junit import junit
from anycastlab.report.timeline_picture import draw, require

if TYPE_CHECKING:
    from anycastlab.experiments.verdict import Verdict
    from anycastlab.lab.handle import Lab

T = TypeVar("T")


class Folder:
    """The folder of one run, made at once. Raises UsageError when it cannot be written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lost: dict[str, int] = {}

    @classmethod
    def make(cls, parent: Path, name: str) -> Folder:
        """Make ``parent/NAME-TIME``; one made in the same second gets a number too."""
        stem = f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
        for number in itertools.count(1):
            path = parent / (stem if number == 1 else f"{stem}-{number}")
            try:
                path.mkdir(parents=True)
            except FileExistsError:
                if not path.is_dir():
                    raise UsageError(f"cannot make {path}: there is a file of that name") from None
                continue
            except OSError as error:
                raise _unwritable(path, error) from None
            return cls(path)
        raise AssertionError  # there is always one more number

    def save_logs(self, directory: Path) -> None:
        """Keep the logs below a lab's directory."""
        from anycastlab.lab.logs import save

        self._writing(lambda: save(directory, self.path / "logs"))

    @contextmanager
    def recording(self, lab: Lab, *, captures: bool) -> Iterator[None]:
        """Capture at clients and members while a lab is up, if wanted; then keep the logs."""
        from anycastlab.probing.captures import Captures

        try:
            if not captures:
                yield
                return
            with Captures(lab, _ends(lab), self.path / "pcaps") as recording:
                lab.when_revived.append(recording.again)
                yield
                lab.when_revived.remove(recording.again)
            self.lost = recording.lost
        finally:
            self.save_logs(lab.directory)

    def write(self, verdict: Verdict, topology: Path) -> None:
        """Write what was found, and a copy of the file."""
        report = json.dumps(verdict.as_json(), indent=2) + "\n"
        self._writing(lambda: (self.path / "report.json").write_text(report, encoding="utf-8"))
        self._writing(lambda: (self.path / "junit.xml").write_text(junit([verdict]), "utf-8"))
        self._writing(lambda: shutil.copyfile(topology, self.path / "topology.yaml"))
        self._draw(verdict)

    def _draw(self, verdict: Verdict) -> None:
        streams = [(step.line, step.outcome.stream) for step in verdict.steps]
        for line, stream in streams:
            if stream is not None and _can_draw():
                draw(stream, str(self.path / f"stream-{line}.svg"))

    def _writing(self, write: Callable[[], T]) -> T:
        try:
            return write()
        except OSError as error:
            raise _unwritable(self.path, error) from None


def _ends(lab: Lab) -> list[str]:
    """Clients and members."""
    groups = lab.network.groups.values()
    members = [name for group in groups for name in group.instances]
    return list(dict.fromkeys([*lab.network.role("client"), *members]))


def _can_draw() -> bool:
    try:
        require()
    except ProgramError:
        return False
    return True


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(f"cannot write {path}: {error.strerror}")
