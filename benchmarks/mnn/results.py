"""Which claims the measurements bear out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..cases import Claim
from ..protocol import speed_up
from ..results import JudgedReport, Verdict
from .measure import Outcome


@dataclass(frozen=True)
class MnnReport(JudgedReport):
    outcomes: Sequence[Outcome]

    def verdicts(self) -> list[Verdict]:
        return [
            Verdict(outcome.case.name, outcome.threads, claim, _value(claim, outcome))
            for outcome in self.outcomes
            for claim in outcome.case.claims
        ]


def _value(claim: Claim, outcome: Outcome) -> float:
    of = outcome.measured[claim.of]
    if claim.kind == "difference":
        return of.differences[claim.over]
    if claim.kind == "prepare":
        return outcome.preparations[claim.of].seconds
    over = outcome.measured[claim.over]
    if claim.kind == "memory":
        return of.megabytes / over.megabytes
    if claim.kind == "operators":
        return over.sum_of_operators / of.sum_of_operators
    return speed_up(over, of)
