"""Who else had the cores, on a clock and with counters of our own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.timing import neighbours
from benchmarks.timing.neighbours import NOBODY_ELSE, Neighbours, Watch


@dataclass
class Process:
    """Stands in for one that is timed."""

    seconds: float = 0.0

    def call(self, function: object) -> float:
        return self.seconds


def stat(path: Path, user: int, steal: int) -> None:
    """In ticks; both cores alike, of which 1 is not watched."""
    counters = f"{user} 0 0 1000 50 0 0 {steal} 0 0"
    path.write_text(f"cpu  {counters}\ncpu0 {counters}\ncpu1 {counters}\nintr 1 2\n")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SimpleNamespace:
    clock = SimpleNamespace(now=10.0, own=1.0)
    monkeypatch.setattr(neighbours, "_STAT", tmp_path / "stat")
    monkeypatch.setattr(neighbours.os, "sysconf", lambda name: 100)
    monkeypatch.setattr(
        neighbours,
        "time",
        SimpleNamespace(monotonic=lambda: clock.now, process_time=lambda: clock.own),
    )
    return clock


def test_what_others_and_the_host_took_is_told(clock: SimpleNamespace, tmp_path: Path) -> None:
    stat(tmp_path / "stat", 100, 7)
    timed = Process()
    watch = Watch([0], [timed])
    clock.now, clock.own, timed.seconds = 20.0, 1.5, 7.0
    stat(tmp_path / "stat", 100 + 900, 7 + 50)  # 9 seconds busy, 7.5 of them ours
    assert watch.so_far() == Neighbours(pytest.approx(0.15), pytest.approx(0.05))


def test_a_system_that_does_not_tell(clock: SimpleNamespace) -> None:
    watch = Watch([0], [Process()])
    clock.now = 20.0
    assert watch.so_far() == NOBODY_ELSE
