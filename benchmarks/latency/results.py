"""What was measured for whole networks, and which claims hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..models.files import Rates
from ..plain import read_json as read_plain
from ..results import Report, Timed
from ..timing.neighbours import NOBODY_ELSE, Neighbours
from ..timing.protocol import Measured, speed_up
from ..timing.worker import Preparation
from .cases import Case, Claim, Player

_LESS_IS_BETTER = ("prepare", "memory", "difference")


@dataclass(frozen=True)
class Outcome:
    """One case with one number of threads. Keys of mappings are the contenders' labels.

    load: the machine's load average at the end.  sizes: of the model files, in bytes.
    macs: multiplications per image in the dense network, and those by weights that are not zero in the pruned
        one.
    notes: what must be known about a contender, such as how long it was tuned.  rates: of the pruned file.
    players: what each contender was, including those that were left out.
    neighbours: what else used the cores meanwhile; unknown in results from before 2026-12.
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
    """A claim and the measured value: a factor, or whatever the claim's kind says, seconds for "prepare"."""

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
class NetReport(Report):
    outcomes: Sequence[Outcome]

    def timed(self) -> list[Timed]:
        return [Timed(o.case.name, o.threads, o.load, o.neighbours) for o in self.outcomes]

    def verdicts(self) -> list[Verdict]:
        return judge(self.outcomes)

    def to_json(self) -> dict[str, Any]:
        return super().to_json() | {"verdicts": [asdict(v) | {"state": v.state} for v in self.verdicts()]}


def read_json(path: Path) -> NetReport:
    """Raises PatternliteError unless the file was written by `write_json`."""
    return read_plain(NetReport, path, "results file of these benchmarks")
