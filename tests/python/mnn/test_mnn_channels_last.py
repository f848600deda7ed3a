"""Networks from .tflite files, between whose convolutions MNN has tensors in NHWC."""

from __future__ import annotations

import mnn_runs
import numpy as np
import onnx_network
import pytest
from mnn_runs import error

pytest.importorskip("ai_edge_litert")

from tests.python.tflite.builder import ModelBuilder
from tests.python.tflite.computing_cases import COMPUTING, conv_case
from tests.python.tflite.moving_cases import MOVING

CASES = COMPUTING | MOVING
KINDS = ("keras-upsampling", "add-", "subtract-", "divide-", "prelu", "split", "slice", "resize")
REFUSED = "unevenly"  # by MNN, which cannot read what its converter makes of it
TAKEN = [name for name in CASES if name.startswith(KINDS) and REFUSED not in name]


@pytest.mark.parametrize("name", TAKEN)
def test_operator(name, process, tmp_path):
    """Behind a convolution of ours; what it hands to MNN's last operators may be two maps."""
    builder, rng = ModelBuilder(), np.random.default_rng(4)
    y = conv_case(filters=12)(builder, rng, builder.input(2, 11, 13, 12))
    source, path = tmp_path / "net.tflite", str(tmp_path / "net.mnn")
    source.write_bytes(builder.build(CASES[name](builder, rng, y)))
    assert process.call(onnx_network.convert, str(source), path)
    x = rng.standard_normal((2, 11, 13, 12), np.float32)
    (stock,) = process.call(mnn_runs.stock, path, x)
    (actual,), _ = process.call(mnn_runs.ours, path, 2, x)
    assert error(actual, stock) < 1e-4
    assert process.call(mnn_runs.session_stats, path, x).conversions <= 3
