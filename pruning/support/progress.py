"""Which stage a run is in, how much is done, and how long each stage took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

Progress = Callable[[str, float], None]


class Schedule:
    """Turns the progress within stages into that of the whole run.

    costs: stage, in order -> its expected cost in any unit, or the costs of its parts by name, in order.
        Stages that are skipped, because an earlier run did them, count as done.
    seconds: stage -> time it took.
    """

    def __init__(self, report: Progress | None, costs: Mapping[str, float | Mapping[str, float]]) -> None:
        self._report = report or (lambda stage, fraction: None)
        self._parts = {
            stage: cost if isinstance(cost, Mapping) else {"": cost} for stage, cost in costs.items()
        }
        self._shares = {stage: sum(parts.values()) for stage, parts in self._parts.items()}
        self._stage, self._before = "", 0.0
        self._reached: list[str] = []  # parts of the stage, in any order
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        self._stage, self._reached = name, []
        stages = list(self._shares)
        self._before = sum(self._shares[stage] for stage in stages[: stages.index(name)])
        self.advance(0.0)
        yield
        self.advance(1.0)
        self.seconds[name] = time.perf_counter() - began

    def advance(self, fraction: float, part: str = "") -> None:
        """fraction: of the current stage, 0..1.  part: what is done next, in words."""
        done = self._before + fraction * self._shares[self._stage]
        self._report(f"{self._stage} {part}".rstrip(), min(1.0, done / sum(self._shares.values())))

    def reach(self, part: str) -> None:
        """Begins a part of the current stage; the parts that were begun before it are done."""
        parts = self._parts[self._stage]
        before = sum(parts[name] for name in self._reached) / self._shares[self._stage]
        self._reached.append(part)
        self.advance(before, f"{part} ({len(self._reached)} of {len(parts)})")

    def finish(self) -> None:
        """The whole is done, whether or not every stage was needed."""
        self._report("done", 1.0)
