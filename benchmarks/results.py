"""What was measured, on what, and which claims it bears out: the content of a results file."""

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

from patternlite.files import write_atomically
from patternlite.machine import Machine, describe_machine, versions

from . import plain
from .cases import Case, Claim, Player
from .model_files import Rates
from .neighbours import NOBODY_ELSE, Neighbours
from .player import Preparation
from .protocol import Measured, speed_up
from .rivals import environment

_LESS_IS_BETTER = ("prepare", "memory", "difference")
_DIRTY = "-dirty"
_MOST_TAKEN = 0.1  # of each core, by others and by the host


def revision_of(tree: Path) -> str:
    """The commit of this source tree, marked where files differ from it; empty outside a repository."""
    command = ["git", "-C", str(tree), "describe"]
    command += ["--always", "--exclude=*", "--abbrev=7", f"--dirty={_DIRTY}"]
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    except OSError:  # no git
        return ""


REVISION = revision_of(Path(__file__).parent)  # of the code that is loaded, whatever is checked out meanwhile


def is_dirty(revision: str | None) -> bool:
    """Whether it does not say what ran."""
    return (revision or "").endswith(_DIRTY)


def _native_digest() -> str | None:
    """Of the compiled part: it may be older than the commit. None where it is not built."""
    found = importlib.util.find_spec("patternlite._native")
    if found is None or found.origin is None:
        return None
    return hashlib.sha256(Path(found.origin).read_bytes()).hexdigest()[:12]


@dataclass(frozen=True)
class Outcome:
    """One case with one number of threads. Mappings are by the contender's label.

    load: the machine's load average when it ended.  sizes: of the model files, in bytes.
    macs: multiplications per image of the dense network, and of the pruned one by weights that are not zero.
    notes: what must be known of a contender, like how long it was tuned.  rates: of the pruned file.
    players: what each contender was, those included that were left out.
    neighbours: what else had the cores meanwhile; not known of results of before 2026-12.
    """

    case: Case
    threads: int
    measured: Mapping[str, Measured]
    preparations: Mapping[str, Preparation]
    load: float
    sizes: Mapping[str, int] = field(default_factory=dict)
    macs: tuple[float, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    rates: Rates = field(default_factory=Rates)
    players: Mapping[str, Player] = field(default_factory=dict)
    neighbours: Neighbours = NOBODY_ELSE

    @property
    def mac_rate(self) -> float:
        """How many times fewer multiplications the whole network has, its dense layers included."""
        dense, pruned = self.macs
        return dense / pruned


@dataclass(frozen=True)
class Verdict:
    """A claim and what was measured: a factor, or what the claim's kind says; seconds for "prepare"."""

    case: str
    threads: int
    claim: Claim
    value: float

    @property
    def state(self) -> str:
        """ "reached", "met", or "missed"."""
        sign = -1 if self.claim.kind in _LESS_IS_BETTER else 1
        if sign * self.value >= sign * self.claim.reach:
            return "reached"
        return "met" if sign * self.value >= sign * self.claim.must else "missed"


def judge(outcomes: Sequence[Outcome]) -> list[Verdict]:
    """A verdict for each claim about contenders that were measured."""
    verdicts = []
    for outcome in outcomes:
        single = next((o for o in outcomes if o.case == outcome.case and o.threads == 1), None)
        for claim in outcome.case.claims:
            value = _value(claim, outcome, single)
            if value is not None:
                verdicts.append(Verdict(outcome.case.name, outcome.threads, claim, value))
    return verdicts


def _value(claim: Claim, outcome: Outcome, single: Outcome | None) -> float | None:
    of, over = outcome.measured.get(claim.of), outcome.measured.get(claim.over)
    if of is None:
        return None
    if claim.kind == "difference":
        return of.difference
    if claim.kind == "prepare":
        return outcome.preparations[claim.of].seconds if claim.of in outcome.preparations else None
    if claim.kind == "scaling":
        if outcome.threads == 1 or single is None or claim.of not in single.measured:
            return None
        return single.measured[claim.of].timing.minimum / of.timing.minimum
    if over is None:
        return None
    if claim.kind == "operators":
        return over.sum_of_operators / of.sum_of_operators
    if claim.kind == "memory":
        return of.megabytes / over.megabytes
    return speed_up(over, of)


@dataclass(frozen=True)
class Timed:
    """What was timed.  load: the machine's load average when it ended.  neighbours: on the cores it used."""

    name: str
    threads: int
    load: float
    neighbours: Neighbours

    def too_busy(self, machine: Machine) -> bool:
        """Whether others took the cores: their turns fall into long calls, and spare short ones."""
        return self._loaded(machine) or self._shared

    def words(self, machine: Machine) -> str:
        """And which of the two it was."""
        why = f"load {self.load:.1f}" if self._loaded(machine) else str(self.neighbours)
        return f"{self.name} ({self.threads}, {why})"

    def _loaded(self, machine: Machine) -> bool:
        return self.load > machine.cores + 0.5

    @property
    def _shared(self) -> bool:
        return self.neighbours.others + self.neighbours.stolen > _MOST_TAKEN * self.threads


@dataclass(frozen=True)
class Report:
    """settings: what the command was asked to do.  versions: of packages, and the commit that ran."""

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
        """A warning where the machine was too busy; CPU time does not count others."""
        if self.settings.get("clock") == "cpu":
            return ""
        names = ", ".join(t.words(self.machine) for t in self.timed() if t.too_busy(self.machine))
        return f"Too busy a machine, factors are too large; measure again: {names}" if names else ""

    def can_go_on_from(self, other: Report) -> bool:
        """Whether figures of both may stand beside each other.

        That takes the same machine, protocol and commit, and the same versions of what was there then. A
        commit from which files differ is never the same.
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


@dataclass(frozen=True)
class NetReport(Report):
    outcomes: Sequence[Outcome]

    def timed(self) -> list[Timed]:
        return [Timed(o.case.name, o.threads, o.load, o.neighbours) for o in self.outcomes]

    def verdicts(self) -> list[Verdict]:
        return judge(self.outcomes)

    def to_json(self) -> dict[str, Any]:
        return super().to_json() | {"verdicts": [asdict(v) | {"state": v.state} for v in self.verdicts()]}


def read_json(path: Path) -> NetReport:
    """Raises PatternliteError if the file is not one of `write_json`."""
    return plain.read_json(NetReport, path, "results file of these benchmarks")


def write_json(report: Report, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(report.to_json(), indent=1) + "\n")
