"""Every kind of layer the backend runs, against stock MNN and against ONNX's reference."""

from __future__ import annotations

from pathlib import Path

import mnn_runs
import numpy as np
import onnx
import pytest
from mnn_networks import NETWORKS
from mnn_runs import error
from onnx import numpy_helper

NETS = {
    "residual",
    "dense",
    "batch-norm",
    "wide",
    "declined",
    "rows",
    "open-shape",
    "alternating",
    "within-the-image",
}
SINGLE = [name for name in NETWORKS if name not in NETS and not name.startswith("groups-")]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", SINGLE)
def test_one_layer(name, threads, models, process):
    model = models(name)
    (actual,), rows = process.call(mnn_runs.ours, model.path, threads, model.x)
    assert [row["kernel"] != "stock" for row in rows] == [True] * (2 if name == "grouped" else 1)
    assert error(actual, model.expected) < 2e-6
    (stock,) = process.call(mnn_runs.stock, model.path, model.x)
    assert error(actual, stock) < 1e-3  # MNN's Winograd kernels round: most for 5x5


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", ["grouped", "groups-of-few", "groups-of-one", "groups-stride-2"])
def test_groups_in_one_layer(name, threads, models, process):
    model = models(name, "--groupConvNative")
    (actual,), rows = process.call(mnn_runs.ours, model.path, threads, model.x)
    assert [row["kernel"] != "stock" for row in rows] == [True]
    assert error(actual, model.expected) < 2e-6
    (stock,) = process.call(mnn_runs.stock, model.path, model.x)
    assert error(actual, stock) < 1e-3


def test_windows_that_begin_within_the_image(models, process):
    model = models("within-the-image")
    stock = process.call(mnn_runs.stock_saved_tensors, model.path, model.x, ())
    for isa, (outputs, stats) in process.call(mnn_runs.on_each_isa, model.path, model.x).items():
        assert [layer["kernel"] != "stock" for layer in stats.layers] == [True] * 5
        for output, actual in outputs.items():
            assert error(actual, stock[output]) < 2e-6, (isa, output)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("run", [mnn_runs.ours, mnn_runs.our_module])
def test_network(run, threads, models, process):
    model = models("residual")
    (actual,), rows = process.call(run, model.path, threads, model.x)
    assert [row["kernel"] != "stock" for row in rows] == [True] * 7
    assert error(actual, model.expected) < 2e-6


def test_batch_norms_are_folded(models, process):
    """MNN's converter folds them; the zeros stay. ONNX's own reference has other ideas of them."""
    onnxruntime = pytest.importorskip("onnxruntime")
    model = models("batch-norm")
    (actual,), rows = process.call(mnn_runs.ours, model.path, 1, model.x)
    assert [row["reason"] for row in rows] == ["pattern", "sparse-1x1"]
    (expected,) = onnxruntime.InferenceSession(model.onnx_path).run(None, {"x": model.x})
    assert error(actual, expected) < 2e-5  # folding rounds


def test_our_layers_between_stock_ones(models, process):
    model = models("alternating")
    (actual,), rows = process.call(mnn_runs.ours, model.path, 2, model.x, force=False)
    assert [row["kernel"] != "stock" for row in rows] == [True, False] * 3
    assert error(actual, model.expected) < 1e-4  # the dense layers are MNN's


def test_many_rows_of_linear_layers_are_left_to_mnn(models, process):
    """It brings the weights once for all of them."""
    model = models("rows")
    (actual,), rows = process.call(mnn_runs.ours, model.path, 1, model.x, force=False)
    assert [(row["reason"], row["kernel"]) for row in rows] == [("sparse-fc", "stock")] * 2
    assert error(actual, model.expected) < 1e-4
    (forced,), rows = process.call(mnn_runs.ours, model.path, 1, model.x)
    assert [row["kernel"] for row in rows] == ["fc-sparse"] * 2
    assert error(forced, model.expected) < 2e-6


# 8-bit weights are rounded by the converter, so only stock MNN says what is right.
@pytest.mark.parametrize("options", [["--fp16"], ["--weightQuantBits", "8"], ["--detectSparseSpeedUp"]])
def test_stored_weights(options, models, process):
    model = models("residual", *options)
    (actual,), rows = process.call(mnn_runs.ours, model.path, 1, model.x)
    assert sum(row["kernel"] != "stock" for row in rows) == 7
    (stock,) = process.call(mnn_runs.stock, model.path, model.x)
    assert error(actual, stock) < 1e-4


@pytest.mark.parametrize("damage", ["beyond-the-weights", "one-missing", "other-count"])
def test_damaged_sparse_weights_are_left_to_mnn(damage, models, process, tmp_path):
    model = models("residual", "--detectSparseSpeedUp")
    weights = numpy_helper.to_array(onnx.load(model.onnx_path).graph.initializer[0])
    indices = np.flatnonzero(weights).astype("<u4").tobytes()
    content = bytearray(Path(model.path).read_bytes())
    begin = content.index(indices)
    if damage == "one-missing":
        content[begin - 4 : begin] = np.uint32(len(indices) // 4 - 1).tobytes()
    elif damage == "other-count":
        assert content[begin - 12 : begin - 8] == np.uint32(weights.size).tobytes()
        content[begin - 12 : begin - 8] = np.uint32(weights.size // 2).tobytes()
    else:
        content[begin + len(indices) - 4 : begin + len(indices)] = np.uint32(2**30).tobytes()
    path = tmp_path / "damaged.mnn"
    path.write_bytes(content)
    rows = process.call(mnn_runs.inspect, str(path))
    assert (rows[0]["reason"], rows[0]["kernel"]) == ("declined:damaged-weights", "stock")
    assert [row["kernel"] != "stock" for row in rows[1:]] == [True] * 6


def test_weights_in_another_file(models, process):
    model = models("residual", "--saveExternalData")
    for run in (mnn_runs.ours, mnn_runs.our_module):
        (actual,), rows = process.call(run, model.path, 1, model.x)
        assert sum(row["kernel"] != "stock" for row in rows) == 7
        assert error(actual, model.expected) < 2e-6


def test_denormals_are_zero(models, process):
    """In the engine, as they would slow it down; these layers have no biases."""
    model = models("within-the-image")
    (outputs,), _ = process.call(mnn_runs.planned, model.path, 1, np.full_like(model.x, 1e-40))
    assert len(outputs) == 5
    for output, actual in outputs.items():
        assert not actual.any(), output


def test_not_a_number_stays_in_its_place(models, process):
    model = models("whole-blocks")
    x = model.x.copy()
    x[0, 5, 3, 3] = np.nan
    (actual,), _ = process.call(mnn_runs.ours, model.path, 1, x)
    near = np.zeros(model.expected.shape, bool)
    near[..., 2:5, 2:5] = True
    assert np.isnan(actual).any()
    assert not np.isnan(actual[~near]).any()
    assert np.abs(actual - model.expected)[~near].max() < 2e-6 * np.abs(model.expected).max()


@pytest.mark.parametrize("name", ["whole-blocks", "residual", "alternating"])
def test_not_a_number_is_gone_with_the_next_image(name, models, process):
    """Neither shared planar memory nor lanes beyond the last channel keep it."""
    model = models(name)
    poison = np.full_like(model.x, np.nan)
    (_, clean), _ = process.call(mnn_runs.ours, model.path, 1, poison, model.x, force=False)
    assert error(clean, model.expected) < 1e-4
