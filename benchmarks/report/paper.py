"""The paper's claims beside what was measured here.

Zhan, Gong et al. 2020 (arXiv:2003.06513): pruned with synthetic data alone, on a phone, up to 4.2 times as
fast as TFLite, 2.5 times as fast as TVM and 2.0 times as fast as MNN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..latency.results import Outcome
from ..timing.protocol import speed_up

CONDITIONS = (
    "The paper: trained networks on a phone; TFLite, TVM and MNN as they were in 2020. Here: random weights "
    "with zeros of the same kind, the x86-64 CPU named below, and today's versions of the three; TVM is as "
    "good as the budget it was tuned with, with 1 thread: with 2 it runs the same schedules. The factors "
    "are of different machines, not to be compared as such: they are the bar that was set. 8x fewer MACs "
    "means 8 times fewer multiplications in the pruned layers; the others stay dense, so the whole network "
    "saves less."
)


@dataclass(frozen=True)
class Bar:
    """A factor from the paper, to compare with that of the contender `ours` over `over`."""

    rival: str
    paper: float
    over: str
    ours: str


BARS = (
    Bar("TFLite", 4.2, "TFLite", "ours in TFLite"),
    Bar("TVM", 2.5, "TVM, tuned", "ours in TFLite"),
    Bar("MNN", 2.0, "MNN", "ours in MNN"),
)


@dataclass(frozen=True)
class Row:
    """rates: of the pruned layers.  mac_rate: of the whole network.

    factors: one for each bar, None if it was not measured.
    """

    case: str
    threads: int
    rates: str
    mac_rate: float
    factors: tuple[float | None, ...]


def rows(outcomes: Sequence[Outcome]) -> list[Row]:
    """One for each network and number of threads."""
    return [
        Row(
            outcome.case.name,
            outcome.threads,
            str(outcome.rates),
            outcome.mac_rate,
            tuple(_factor(outcome, bar) for bar in BARS),
        )
        for outcome in outcomes
        if outcome.case.group in ("networks", "context")
    ]


def _factor(outcome: Outcome, bar: Bar) -> float | None:
    measured = outcome.measured
    if bar.over not in measured or bar.ours not in measured:
        return None
    return speed_up(measured[bar.over], measured[bar.ours])
