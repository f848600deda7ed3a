"""Whatever is timed or watched reads the image it was given: MNN writes over it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks import player
from benchmarks.mnn import player as mnn_player
from patternlite import latency
from patternlite.runtimes import Session


class Overwriting(Session):
    """Counts its runs: each must find the image, and leaves something else there."""

    input_shape = (1, 3, 4, 4)

    def __init__(self) -> None:
        self.runs = self.watched = 0
        self.operators: dict[str, float] = {}

    def set_input(self, x: np.ndarray) -> None:
        self.restore_input()

    def restore_input(self) -> None:
        self.fresh = True

    def invoke(self) -> None:
        assert self.fresh, "the image was not set again"
        self.fresh = False
        self.runs += 1

    def watch(self) -> None:
        self.invoke()
        self.watched += 1

    def output(self) -> np.ndarray:
        return np.zeros((1, 10), np.float32)


@pytest.fixture
def session() -> Overwriting:
    session = Overwriting()
    session.run(np.zeros(session.input_shape, np.float32))
    return session


def test_the_protocol(session: Overwriting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(player._sessions, "ours", session)
    assert len(player.burst("ours", 3, "wall")) == 3
    assert session.runs == 1 + 1 + 3


def test_the_protocol_of_mnn(session: Overwriting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mnn_player, "_session", session, raising=False)
    assert len(mnn_player.burst(3)) == 3
    assert (session.runs, session.watched) == (1 + 1 + 3 + 3, 3)


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
