"""Whatever is timed or watched reads the image it was given: MNN writes over it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.timing import worker
from patternlite.runtimes import latency
from patternlite.runtimes.sessions import Session


class Overwriting(Session):
    """Counts its runs: each must find the image, and leaves something else there."""

    input_shape = (1, 3, 4, 4)

    def __init__(self) -> None:
        self.runs = 0

    def set_input(self, x: np.ndarray) -> None:
        self.restore_input()

    def restore_input(self) -> None:
        self.fresh = True

    def invoke(self) -> None:
        assert self.fresh, "the image was not set again"
        self.fresh = False
        self.runs += 1

    def output(self) -> np.ndarray:
        return np.zeros((1, 10), np.float32)


@pytest.fixture
def session() -> Overwriting:
    session = Overwriting()
    session.run(np.zeros(session.input_shape, np.float32))
    return session


def test_the_protocol(session: Overwriting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(worker._sessions, "ours", session)
    assert len(worker.burst("ours", 3, "wall")) == 3
    assert session.runs == 1 + 1 + 3


def test_watched_runs(session: Overwriting, monkeypatch: pytest.MonkeyPatch) -> None:
    def watch(session: Overwriting, operators: dict[str, float]) -> None:
        session.invoke()
        operators["conv"] = 0.5

    monkeypatch.setattr(worker.mnn_session, "watch", watch)
    monkeypatch.setitem(worker._sessions, "ours", session)
    monkeypatch.setattr(worker, "_operators", {})
    assert len(worker.watched("ours", 3)) == 3
    assert session.runs == 1 + 1 + 3
    assert worker.operators("ours") == {"conv": 0.5}


def test_latency(monkeypatch: pytest.MonkeyPatch) -> None:
    def one_turn(bursts: dict[str, Callable[[int], list[float]]], seconds: float) -> dict[str, list]:
        return {label: [burst(3)] for label, burst in bursts.items()}

    sessions = [Overwriting(), Overwriting()]
    opened = iter(sessions)
    monkeypatch.setattr(latency, "open_session", lambda *_, **options: next(opened))
    monkeypatch.setattr(latency, "interleave", one_turn)
    path = Path("net.mnn")
    contenders = [latency.Contender("stock", path), latency.Contender("ours", path, plugin=True)]
    measured = latency.measure_latency("mnn", contenders, threads=1, seconds=1.0)
    assert [found.timing.calls for found in measured] == [3, 3]
    assert [session.runs for session in sessions] == [1 + 1 + 3] * 2


def test_a_turn_ends_when_its_workers_sleep(session: Overwriting, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or after 0.2 seconds, of workers that never do."""
    monkeypatch.setitem(worker._sessions, "ours", session)

    def slept(*spent: float) -> int:
        """How often, where so many CPU seconds pass in each sleep; the last over and over."""
        now, naps = 0.0, 0

        def sleep(seconds: float) -> None:
            nonlocal now, naps
            now += spent[min(naps, len(spent) - 1)]
            naps += 1

        monkeypatch.setattr(
            worker, "time", SimpleNamespace(process_time=lambda: now, sleep=sleep, perf_counter=lambda: 0.0)
        )
        worker.burst("ours", 1, "wall")
        return naps

    assert slept(0.0002) == 1
    assert slept(0.005, 0.004, 0.0002) == 3
    assert slept(0.005) == 40
