"""Registration: what it refuses, in which words, and that MNN still works then."""

from __future__ import annotations

import mnn_guards
import mnn_runs
import numpy as np
import pytest


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        (mnn_guards.foreign_version, ["This is MNN 3.6.1", "Supported: MNN 9.9.9", "pip install mnn==9.9.9"]),
        (
            mnn_guards.engine_not_loaded,
            ["not loaded from '/nowhere/_mnncengine.so'", "pip install mnn==3.6.1"],
        ),
        (mnn_guards.not_an_engine, ["does not export", "pip install mnn==3.6.1"]),
        (mnn_guards.mnn_missing, ["pip install 'patternlite[mnn]'"]),
        (mnn_guards.force_of_another_type, ["takes force=True, False or None, not 'yes'"]),
        (mnn_guards.unknown_isa, ["PATTERNLITE_ISA names the unknown ISA 'mmx'", "give one of generic"]),
    ],
)
def test_refused(attempt, words, fresh_process):
    message = fresh_process.call(attempt)
    for word in words:
        assert word in message


def test_mnn_works_on_after_a_refusal(models, fresh_process):
    model = models("dense")
    (before,) = fresh_process.call(mnn_runs.stock, model.path, model.x)
    fresh_process.call(mnn_guards.foreign_version)
    (after,) = fresh_process.call(mnn_runs.stock, model.path, model.x)
    np.testing.assert_array_equal(before, after)


def test_twice_is_once(fresh_process):
    assert fresh_process.call(mnn_guards.twice) == [8, 8]


def test_after_a_refusal(fresh_process):
    refusal, backend = fresh_process.call(mnn_guards.after_a_refusal)
    assert "9.9.9" in refusal
    assert backend == 8
