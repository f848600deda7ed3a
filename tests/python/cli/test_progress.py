"""What long work tells a log, where no bar can be drawn."""

import io
from itertools import count

import pytest
from rich.console import Console

from patternlite import progress


def test_a_log_gets_a_line_a_minute_with_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = count(step=45)
    monkeypatch.setattr(progress.time, "perf_counter", lambda: float(next(clock)))
    log = io.StringIO()
    with progress.Stages(Console(file=log, width=40)) as stages, stages.stage("Pruning") as advance:
        for done in range(1, 5):
            advance(f"layer {done} of 4, which has a long name", done / 4)
    lines = log.getvalue().splitlines()
    assert lines == [
        "Pruning: 50%, 2 min left, layer 2 of 4, which has a long name",
        "Pruning: 100%, 0 min left, layer 4 of 4, which has a long name",
        "Pruning: 225 s",
    ]
