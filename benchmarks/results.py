"""The content of a results file: what was measured, and on what."""

from __future__ import annotations

import datetime
import hashlib
import importlib.util
import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from patternlite.runtimes.machine import Machine, describe_machine, versions
from patternlite.support.files import write_atomically

from .rivals import environment
from .timing.neighbours import Neighbours

_DIRTY = "-dirty"
_MOST_TAKEN = 0.1  # the most that others and the host may take of each core


def revision_of(tree: Path) -> str:
    """The commit of this source tree, marked if files differ from it; empty outside a repository."""
    command = ["git", "-C", str(tree), "describe"]
    command += ["--always", "--exclude=*", "--abbrev=7", f"--dirty={_DIRTY}"]
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    except OSError:  # no git
        return ""


REVISION = revision_of(Path(__file__).parent)  # of the loaded code, whatever is checked out later


def is_dirty(revision: str | None) -> bool:
    """Whether files differed from the commit, so that it does not say what ran."""
    return (revision or "").endswith(_DIRTY)


def _native_digest() -> str | None:
    """A digest of the compiled part, which may be older than the commit; None if it is not built."""
    found = importlib.util.find_spec("patternlite._native")
    if found is None or found.origin is None:
        return None
    return hashlib.sha256(Path(found.origin).read_bytes()).hexdigest()[:12]


@dataclass(frozen=True)
class Timed:
    """What was timed.  load: the machine's load average at the end.  neighbours: on the cores it used."""

    name: str
    threads: int
    load: float
    neighbours: Neighbours

    def too_busy(self, machine: Machine) -> bool:
        """Whether others took the cores: they hit long calls more often than short ones."""
        return self._loaded(machine) or self._shared

    def words(self, machine: Machine) -> str:
        """What was timed, and what made it too busy."""
        why = f"load {self.load:.1f}" if self._loaded(machine) else str(self.neighbours)
        return f"{self.name} ({self.threads}, {why})"

    def _loaded(self, machine: Machine) -> bool:
        return self.load > machine.cores + 0.5

    @property
    def _shared(self) -> bool:
        return self.neighbours.others + self.neighbours.stolen > _MOST_TAKEN * self.threads


@dataclass(frozen=True)
class Report:
    """What all results have.  settings: the command's options.  versions: of packages, and the commit."""

    settings: Mapping[str, Any]
    outcomes: Sequence[Any]
    date: str = field(default_factory=lambda: f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M UTC}")
    machine: Machine = field(default_factory=describe_machine)
    versions: Mapping[str, str | None] = field(
        default_factory=lambda: (
            versions()
            | environment.versions()
            | {"commit": REVISION or None, "compiled part": _native_digest()}
        )
    )

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def timed(self) -> Iterable[Timed]:
        return ()

    @property
    def crowded(self) -> str:
        """A warning if the machine was too busy, which does not matter for CPU time; empty otherwise."""
        if self.settings.get("clock") == "cpu":
            return ""
        names = ", ".join(t.words(self.machine) for t in self.timed() if t.too_busy(self.machine))
        return f"Too busy a machine, factors are too large; measure again: {names}" if names else ""

    def can_go_on_from(self, other: Report) -> bool:
        """Whether figures of both reports may stand in one file.

        That needs the same machine, protocol and commit, and the same versions of what was installed then. A
        commit from which files differed is never the same.
        """
        if is_dirty(other.versions.get("commit")):
            return False
        there = ["commit", *(name for name, version in other.versions.items() if version)]
        mine, others = (
            (
                report.machine,
                [report.settings.get(key) for key in ("seconds", "clock")],
                [report.versions.get(name) for name in there],
            )
            for report in (self, other)
        )
        return mine == others


def write_json(report: Report, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(report.to_json(), indent=1) + "\n")
