"""A lab's state on disk: enough to take it down without its topology file.

/run/anycastlab/LAB/       (as an ordinary user: $XDG_RUNTIME_DIR, else /tmp/anycastlab-UID)
    state.json             the record below, written before the kernel objects it describes
    topology.yaml          the file as it was when the lab came up
    control                the supervisor's socket, mode 0600, modified when a node dies
    supervisor.log         what the supervisor and the daemons said
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from anycastlab.errors import LabExistsError, NoSuchLabError, StateError, UsageError
from anycastlab.kernel.process import Process
from anycastlab.lab.rootless import user

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Record:
    """What must be known to take a lab down.

    ``names`` are the entries of /run/netns the lab makes.
    """

    name: str
    file: str
    starter: Process
    supervisor: Process | None = None
    rootless: bool = False
    ready: bool = False
    names: tuple[str, ...] = ()

    def as_json(self) -> str:
        """The text of state.json."""
        return json.dumps({"format": _FORMAT, **asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> Record:
        """Read state.json. Raises ValueError, KeyError or TypeError when it is not one."""
        data: dict[str, Any] = json.loads(text)
        if data.pop("format") != _FORMAT:
            raise ValueError("another format")
        for key in ("starter", "supervisor"):
            data[key] = data[key] and Process(**data[key])
        return cls(**{**data, "names": tuple(data["names"])})

    @property
    def alive(self) -> bool:
        """Whether the lab's supervisor runs."""
        return self.supervisor is not None and self.supervisor.alive()


def base_directory() -> Path:
    """Where labs keep their state: for root in /run, for a user in a place of their own."""
    if chosen := os.environ.get("ANYCASTLAB_RUN"):
        return Path(chosen)
    if user() == 0:
        return Path("/run/anycastlab")
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and os.access(runtime, os.W_OK):
        return Path(runtime, "anycastlab")
    return Path(f"/tmp/anycastlab-{user()}")


@contextmanager
def locked() -> Iterator[None]:
    """Hold the lock on all records of this user; short, and let go when the process dies."""
    base = base_directory()
    while True:
        _make_base(base)
        try:
            descriptor = os.open(base, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:  # removed by the last lab going down: make it again
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _same(descriptor, base):
                yield
                return
        finally:
            os.close(descriptor)


def _make_base(base: Path) -> None:
    try:
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = base.stat().st_uid
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unwritable(base, error) from error
    if owner != os.geteuid():
        raise StateError(f"{base} belongs to another user", "remove it, or set ANYCASTLAB_RUN")


def _same(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _unwritable(path: Path, error: OSError) -> StateError:
    return StateError(
        f"cannot write the lab's state in {path}: {error.strerror}",
        "make room there, or set ANYCASTLAB_RUN to another directory",
    )


class LabDirectory:
    """The directory of one lab."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.path = base_directory() / name

    @property
    def control(self) -> Path:
        """The supervisor's socket."""
        return self.path / "control"

    def tell_death(self) -> None:
        """Let those who hold namespaces know that a node dies."""
        with suppress(FileNotFoundError):
            later = max(time.time_ns(), self.last_death() + 1)
            os.utime(self.control, ns=(later, later))

    def last_death(self) -> int:
        """When a node last died, in nanoseconds: another number after each death."""
        try:
            return self.control.stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    @property
    def topology(self) -> Path:
        """The topology file as it was at `up`."""
        return self.path / "topology.yaml"

    @property
    def log(self) -> Path:
        """What the supervisor said."""
        return self.path / "supervisor.log"

    def create(self, record: Record, topology: bytes) -> None:
        """Take the name. Raises LabExistsError when it is taken; a full disk leaves nothing."""
        try:
            self.path.mkdir(mode=0o700)
        except FileExistsError:
            raise LabExistsError(self._taken()) from None
        except OSError as error:
            raise _unwritable(self.path, error) from error
        try:
            self.topology.write_bytes(topology)
            self.write(record)
        except OSError as error:
            shutil.rmtree(self.path, ignore_errors=True)
            raise _unwritable(self.path, error) from error
        except StateError:
            shutil.rmtree(self.path, ignore_errors=True)
            raise

    def _taken(self) -> str:
        record = self.read()
        if record is not None and record.alive:
            state = "is already up" if record.ready else "is coming up"
            return f"lab {self.name!r} {state}; take it down first: anycastlab down {self.name}"
        return f"lab {self.name!r} was left half-done; clean it up: anycastlab down {self.name}"

    def write(self, record: Record) -> None:
        """Replace the record, whole or not at all."""
        temporary = self.path / "state.new"
        try:
            temporary.write_text(record.as_json())
            temporary.rename(self.path / "state.json")
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def update(self, **changes: Any) -> None:
        """Change fields of the record."""
        record = self.read()
        if record is None:
            raise StateError(f"the state of lab {self.name!r} is gone")
        self.write(replace(record, **changes))

    def read(self) -> Record | None:
        """The record, None when there is none (yet) or it was never written whole."""
        try:
            return Record.from_json((self.path / "state.json").read_text())
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def remove(self) -> None:
        """Remove the directory, and the common one when it was the last."""
        shutil.rmtree(self.path, ignore_errors=True)
        with suppress(OSError):
            self.path.parent.rmdir()


def lab_names() -> list[str]:
    """The names of all labs of this user, up or left half-done."""
    try:
        return sorted(entry.name for entry in base_directory().iterdir() if entry.is_dir())
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []


def find_record(name: str | None) -> Record:
    """The record of a lab that is up: by name, or the only one.

    Raises NoSuchLabError, UsageError when several are up and none is named, LabExistsError when
    what is there is only the rest of one.
    """
    known = lab_names()
    if name is None:
        if len(known) > 1:
            raise UsageError(f"several labs are up; name one: {', '.join(known)}")
        if not known:
            raise NoSuchLabError("", ())
        name = known[0]
    record = LabDirectory(name).read() if name in known else None
    if record is None and name not in known:
        raise NoSuchLabError(name, known)
    if record is None or not record.alive or not record.ready:
        coming = record is not None and record.alive
        state = "is still coming up" if coming else f"is dead; clean up: anycastlab down {name}"
        raise LabExistsError(f"lab {name!r} {state}")
    return record
