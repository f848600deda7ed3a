"""Windows that no runtime would write, in damaged files: MNN answers, and so does the plugin."""

from __future__ import annotations

import mnn_runs
import numpy as np
import pytest

SAME = {"padMode": "SAME", "pads": None}
VALID = {"padMode": "VALID", "pads": None}
DAMAGED = [
    {"dilateX": -100_000} | SAME,
    {"dilateY": -(10**8)} | SAME,
    {"dilateX": 2**24} | SAME,
    {"dilateX": 2**30} | SAME,
    {"dilateY": -1},
    {"dilateX": 0},
    {"strideX": -(2**30)},
    {"kernelX": -3, "kernelY": -3},
    {"padX": -(2**30)} | VALID,
    {"padX": -1} | VALID,  # columns that no window reads, of a window that is no stride's
    {"padY": 2**22, "strideY": 2**22} | VALID,  # not too large by itself, but the map with its zeros
    {"pads": [15, -9], "strideX": -(2**31)},
]


def expect_left_to_stock(model, process):
    (stock,) = process.call(mnn_runs.stock, model.path, model.x)
    (actual,), rows = process.call(mnn_runs.ours, model.path, 1, model.x)
    assert [(row["reason"], row["kernel"]) for row in rows] == [("declined:window", "stock")]
    np.testing.assert_array_equal(actual, stock)


@pytest.mark.parametrize("options", DAMAGED, ids=str)
def test_convolution(options, models, process):
    model = models.edited("whole-blocks", "Convolution", **options)
    expect_left_to_stock(model, process)


# MNN's own depthwise kernels end the process with most others.
@pytest.mark.parametrize("options", [{"dilateX": 2**30} | SAME, {"padX": -(2**30)} | VALID], ids=str)
def test_depthwise_convolution(options, models, process):
    model = models.edited("depthwise", "ConvolutionDepthwise", **options)
    expect_left_to_stock(model, process)
