"""How far the whole is, from how far its stages are."""

from __future__ import annotations

import pytest

from patternlite.pruning.support.progress import Schedule

COSTS = {"draw": 1.0, "refine": 5.0, "prune": {"a": 1.0, "b": 2.0}, "compare": 1.0}


def test_what_an_earlier_run_did_counts_as_done():
    told: list[tuple[str, float]] = []
    schedule = Schedule(lambda *call: told.append(call), COSTS)
    with schedule.stage("prune"):
        schedule.reach("a")
        schedule.reach("b")
    assert [text for text, _ in told] == ["prune", "prune a (1 of 2)", "prune b (2 of 2)", "prune"]
    assert [done for _, done in told] == pytest.approx([0.6, 0.6, 0.7, 0.9])
    with schedule.stage("compare"):
        assert told[-1] == ("compare", pytest.approx(0.9))
    assert told[-1] == ("compare", pytest.approx(1.0))
