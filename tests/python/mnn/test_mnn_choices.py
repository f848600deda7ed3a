"""Which layers the backend takes unasked: those that it is expected to run faster than MNN does."""

from __future__ import annotations

import mnn_runs
import pytest


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("sparse-3x3", False),
        ("sparse-5x5", False),
        ("sparse-7x7", False),
        ("sparse-3x3-of-8", False),
        ("sparser-5x5", True),
        ("sparse-5x5-stride-2", True),
    ],
)
def test_what_mnn_runs_by_winograd(name, taken, models, process):
    """Square kernels of any side, at stride 1: there it takes more zeros to be faster."""
    rows = process.call(mnn_runs.inspect, models(name).path, force=False)
    assert [row["kernel"] != "stock" for row in rows] == [taken] * 2
