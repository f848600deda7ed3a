"""Which stage a run is in, how far it is, and how long each took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

Progress = Callable[[str, float], None]


class Schedule:
    """Turns the progress within stages into that of the whole.

    shares: stage -> its expected part of the whole, in any unit.  seconds: stage -> what it took.
    """

    def __init__(self, report: Progress | None, shares: Mapping[str, float]) -> None:
        self._report = report or (lambda stage, fraction: None)
        self._shares, self._whole = shares, sum(shares.values())
        self._stage, self._before = "", 0.0
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        self._stage = name
        self.advance(0.0)
        yield
        self.advance(1.0)
        self._before += self._shares[name]
        self.seconds[name] = time.perf_counter() - began

    def advance(self, fraction: float) -> None:
        """fraction: of the current stage, 0..1."""
        done = self._before + fraction * self._shares[self._stage]
        self._report(self._stage, min(1.0, done / self._whole))

    def finish(self) -> None:
        """The whole is done, whether or not every stage was needed."""
        self._report("done", 1.0)
