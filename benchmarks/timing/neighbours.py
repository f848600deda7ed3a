"""What else used the cores while something was timed.

The load average is not enough: it lags by a minute, includes what is timed, and excludes what the host takes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from patternlite.support.isolated import Isolated

_STAT = Path("/proc/stat")


@dataclass(frozen=True)
class Neighbours:
    """In cores, summed over those that were watched: 0.5 is half of a core.

    others: what processes took that were not timed.  stolen: what the host gave to other guests.
    """

    others: float = 0.0
    stolen: float = 0.0

    def __str__(self) -> str:
        return f"others {self.others:.2f}, host {self.stolen:.2f} of a core"


NOBODY_ELSE = Neighbours()


class Watch:
    """Watches cores from now on.  processes: those that are timed, on these cores only; ours counts, too."""

    def __init__(self, cores: Iterable[int], processes: Iterable[Isolated]) -> None:
        self._cores, self._processes = tuple(cores), tuple(processes)
        self._began, self._before, self._spent_before = time.monotonic(), self._ticks(), self._spent()

    def so_far(self) -> Neighbours:
        busy, stolen = (now - before for now, before in zip(self._ticks(), self._before, strict=True))
        others = busy - (self._spent() - self._spent_before)
        seconds = max(time.monotonic() - self._began, 1e-9)
        return Neighbours(max(0.0, others) / seconds, max(0.0, stolen) / seconds)

    def _spent(self) -> float:
        """CPU seconds of what is timed."""
        clock: Callable[[], float] = time.process_time
        return clock() + sum(process.call(clock) for process in self._processes)

    def _ticks(self) -> tuple[float, float]:
        """Seconds that the cores were busy, and that they were stolen; 0 if the system does not tell."""
        try:
            rows = [line.split() for line in _STAT.read_text().splitlines()]
        except OSError:
            return 0.0, 0.0
        busy = stolen = 0
        for name, *values in rows:
            if name in {f"cpu{core}" for core in self._cores}:
                user, nice, system, _, _, interrupts, soft_interrupts, steal = map(int, values[:8])
                busy += user + nice + system + interrupts + soft_interrupts
                stolen += steal
        ticks = os.sysconf("SC_CLK_TCK")
        return busy / ticks, stolen / ticks
