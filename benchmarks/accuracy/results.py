"""What was measured, row by row and over the seeds, and which claims hold."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from patternlite.runtimes.machine import Machine

from ..results import Report, Timed
from ..timing.neighbours import NOBODY_ELSE, Neighbours
from .plan import Case, Job, Must


@dataclass(frozen=True)
class Speed:
    """The fastest calls, in ms, of the exported .tflite files: dense in the stock runtime, pruned with the
    plugin. In results of 2026-11-29 and before, the dense one ran with the plugin, too.

    revision: the commit that timed them.  machine: None in older rows.
    load: the load average at the end.  neighbours: what else used the cores meanwhile.
    """

    runtime: str
    threads: int
    dense_ms: float
    pruned_ms: float
    revision: str = ""
    machine: Machine | None = None
    load: float = 0.0
    neighbours: Neighbours = NOBODY_ELSE

    @property
    def speed_up(self) -> float:
        return self.dense_ms / self.pruned_ms


@dataclass(frozen=True)
class Row:
    """One job's outcome.

    accuracy, dense: fraction of the test images that the pruned and the dense model classify right.
    rate, mac_rate: of the pruned layers; parameter_rate: of the whole model.
    gap: the images' BatchNorm gap, mean and deviation.
    agreement: with the dense model, on unseen synthetic images, before retraining.
    seconds: of pruning, or of retraining.  load: the machine's load average at the end.
    revision: the commit that ran.
    """

    case: str
    recipe: str
    client: str
    seed: int
    dense: float
    accuracy: float
    rate: float
    mac_rate: float
    parameter_rate: float
    gap: tuple[float, float] | None
    agreement: float | None
    warnings: tuple[str, ...]
    seconds: float
    load: float
    revision: str
    speed: Speed | None = None

    @property
    def drop(self) -> float:
        """Points lost."""
        return 100 * (self.dense - self.accuracy)


@dataclass(frozen=True)
class Summary:
    """The rows of one case, recipe and client.  spread: standard deviation over the seeds, 0 for one."""

    case: str
    recipe: str
    client: str
    seeds: int
    dense: float
    accuracy: float
    spread: float
    rate: float
    mac_rate: float
    parameter_rate: float
    speed_up: float | None
    must: float | None

    @property
    def network(self) -> str:
        return self.case.partition(" ")[0]

    @property
    def state(self) -> str:
        """ "met" or "missed" by the mean; empty if nothing is claimed."""
        if self.must is None:
            return ""
        return "met" if self.accuracy >= self.must else "missed"

    @property
    def drop(self) -> float:
        return 100 * (self.dense - self.accuracy)


def summaries(rows: Sequence[Row], cases: Sequence[Case]) -> list[Summary]:
    """Summaries in the order of the rows. Claims are about a case's first recipe."""
    musts = {(c.name, c.recipes[0], client): must for c in cases for client, must in c.must.items()}
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.case, row.recipe, row.client), []).append(row)
    return [_summary(group, musts.get(key)) for key, group in groups.items()]


def _summary(rows: Sequence[Row], must: Must | None) -> Summary:
    first = rows[0]
    values = [row.accuracy for row in rows]
    factors = [row.speed.speed_up for row in rows if row.speed]
    return Summary(
        case=first.case,
        recipe=first.recipe,
        client=first.client,
        seeds=len(rows),
        dense=first.dense,
        accuracy=statistics.mean(values),
        spread=statistics.stdev(values) if len(values) > 1 else 0.0,
        rate=statistics.mean(row.rate for row in rows),
        mac_rate=statistics.mean(row.mac_rate for row in rows),
        parameter_rate=statistics.mean(row.parameter_rate for row in rows),
        speed_up=statistics.mean(factors) if factors else None,
        must=must.limit(first.dense) if must else None,
    )


def timed(row: Row, speed: Speed) -> Timed:
    """What is needed to judge a row's timing.  speed: that of the row."""
    name = f"{row.case}, {row.recipe}, seed {row.seed}"
    return Timed(name, speed.threads, speed.load, speed.neighbours)


def at_speed(points: Iterable[tuple[float, float]], speed: float) -> float:
    """The accuracy at this speed-up, on straight lines between points (speed-up, accuracy).

    Beyond the slowest or the fastest point it is that point's own.
    """
    speeds, values = zip(*sorted(points), strict=True)
    return float(np.interp(speed, speeds, values))


def at_equal_speeds(summaries: Sequence[Summary]) -> list[float | None]:
    """For each summary, the accuracy at the speed-up of the first recipe with the same case and client.

    It is interpolated between the recipe's own points for that network, including the dense model. None if
    something was not timed.
    """
    found: list[float | None] = []
    for s in summaries:
        first = next(t for t in summaries if (t.case, t.client) == (s.case, s.client))
        points = [
            (t.speed_up, t.accuracy)
            for t in summaries
            if (t.network, t.recipe, t.client) == (s.network, s.recipe, s.client) and t.speed_up
        ]
        found.append(
            at_speed([(1.0, s.dense), *points], first.speed_up) if points and first.speed_up else None
        )
    return found


def row_of(job: Job, **values: Any) -> Row:
    return Row(case=job.case.name, recipe=job.recipe, client=job.client, seed=job.seed, **values)


@dataclass(frozen=True)
class AccuracyReport(Report):
    """outcomes: the rows. summaries: over the seeds."""

    outcomes: Sequence[Row]
    summaries: Sequence[Summary] = ()  # after the fields of Report, which have defaults

    def timed(self) -> list[Timed]:
        return [timed(row, row.speed) for row in self.outcomes if row.speed]

    @property
    def mixed(self) -> str:
        """A note if rows or speeds were kept from other commits or machines; empty otherwise."""
        speeds = [row.speed for row in self.outcomes if row.speed]
        found = [row.revision for row in self.outcomes] + [speed.revision for speed in speeds]
        commits = dict.fromkeys(filter(None, [*found, self.versions.get("commit")]))
        words = [f"Rows and report are of several commits: {', '.join(commits)}."] if len(commits) > 1 else []
        if any(speed.machine != self.machine for speed in speeds):
            words.append("Not all speeds are known to be of this machine.")
        return " ".join(words)

    def to_json(self) -> dict[str, Any]:
        states = [asdict(s) | {"state": s.state} for s in self.summaries]
        return super().to_json() | {"summaries": states}
