"""Operators without weights, against stock MNN: which run in the plugin, and that all are right."""

from __future__ import annotations

import mnn_runs
import numpy as np
import pytest
from mnn_operator_networks import BETWEEN, LEFT
from test_mnn_layers import error


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", [*BETWEEN, *LEFT])
def test_operator(name, threads, models, process):
    model = models(name)
    (stock,) = process.call(mnn_runs.stock, model.path, model.x)
    (first, again), _ = process.call(mnn_runs.ours, model.path, threads, model.x, model.x)
    assert error(first, stock) < 1e-4  # MNN's Winograd kernels round
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("name", BETWEEN)
def test_network_is_entered_once_and_left_once(name, models, process):
    stats = process.call(mnn_runs.session_stats, models(name).path, models(name).x)
    assert stats.conversions == 2


@pytest.mark.parametrize("name", LEFT)
def test_what_is_left_to_mnn(name, models, process):
    stats = process.call(mnn_runs.session_stats, models(name).path, models(name).x)
    assert stats.conversions > 2
