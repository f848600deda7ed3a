"""What long work tells a log, where no bar can be drawn."""

import io
from itertools import count

import pytest
from rich.console import Console

from patternlite import progress


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What is told while each look at the clock takes 45 seconds."""
    clock = count(step=45)
    monkeypatch.setattr(progress.time, "perf_counter", lambda: float(next(clock)))
    return io.StringIO()


def test_a_log_gets_a_line_a_minute_with_the_time_left(log: io.StringIO) -> None:
    with progress.Stages(Console(file=log, width=40)) as stages, stages.stage("Pruning") as advance:
        for done in range(1, 5):
            advance(f"layer {done} of 4, which has a long name", done / 4)
    lines = log.getvalue().splitlines()
    assert lines == [
        "Pruning: 50%, 2 min left, layer 2 of 4, which has a long name",
        "Pruning: 100%, 0 min left, layer 4 of 4, which has a long name",
        "Pruning: 225 s",
    ]


def test_what_an_earlier_run_did_took_no_time_of_this_one(log: io.StringIO) -> None:
    with progress.Stages(Console(file=log)) as stages, stages.stage("Training") as advance:
        for percent in (80, 81, 82):
            advance("", percent / 100)
    assert log.getvalue().splitlines()[0].startswith("Training: 81%, 14 min left")
