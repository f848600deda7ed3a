"""Operators without weights, against stock MNN: which run in the plugin, and that all are right."""

from __future__ import annotations

from pathlib import Path

import mnn_report_runs
import mnn_runs
import numpy as np
import onnx
import pytest
from mnn_operator_networks import BETWEEN, LEFT
from mnn_runs import error
from onnx import numpy_helper


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


# Of the kinds of constants, moves and resizes one each.
SOME = ["Mul-channels", "normalised", "prelu", "cropped-and-padded", "computed-scales", "every-second"]
RESIZED = ["bilinear-half_pixel-1.5-2.25", "nearest-align_corners-2-2"]


@pytest.mark.parametrize("name", SOME + RESIZED)
def test_resized_session(name, models, process):
    model = models(name)
    rng = np.random.default_rng(3)
    inputs = [rng.standard_normal((n, 16, 11, 9), np.float32) for n in (2, 1, 3, 2)]
    stock = process.call(mnn_runs.stock, model.path, *inputs)
    for run in (mnn_runs.ours, mnn_runs.our_module):
        actual, _ = process.call(run, model.path, 2, *inputs)
        for got, expected in zip(actual, stock, strict=True):
            assert error(got, expected) < 1e-4


@pytest.mark.parametrize("name", SOME + RESIZED)
def test_cloned_session(name, models, process):
    model = models(name)
    originals, clones, _ = process.call(mnn_runs.original_and_clone, model.path, model.x, -model.x)
    stock = process.call(mnn_runs.stock, model.path, model.x, -model.x)
    for got, expected in zip(originals + clones, 2 * stock, strict=True):
        assert error(got, expected) < 1e-4


def test_what_cannot_run_here_at_another_size(models, process):
    """Behind the image there are zeros where its sides are even; MNN does not count them in a mean."""
    model = models("mean-at-odd-sizes")
    even = np.random.default_rng(5).standard_normal((2, 16, 12, 10), np.float32)
    inputs = [model.x, even, model.x]
    stock = process.call(mnn_runs.stock, model.path, *inputs)
    for count, conversions in ((2, 4), (3, 2)):
        actual, stats = process.call(mnn_runs.planned, model.path, 1, *inputs[:count])
        assert stats.conversions == conversions
        for (got,), expected in zip((outputs.values() for outputs in actual), stock, strict=False):
            assert error(got, expected) < 1e-4


# What MNN's converter does not make of ONNX models, but of others, or once did.
@pytest.mark.parametrize(
    ("name", "kind", "options", "ours"),
    [
        ("difference", "BinaryOp", {"becomes": "Eltwise", "type": "SUM"}, True),
        ("difference", "BinaryOp", {"becomes": "Eltwise", "type": "SUB"}, True),
        ("difference", "BinaryOp", {"becomes": "Eltwise", "type": "PROD"}, True),
        ("difference", "BinaryOp", {"becomes": "Eltwise", "type": "MAXIMUM"}, False),
        ("normalised", "Scale", {"biasData": None}, True),
        ("gelu", "UnaryOp", {"opType": "GELU_STANDARD"}, True),
    ],
    ids=str,
)
def test_operator_of_another_converter(name, kind, options, ours, models, process):
    model = models.edited(name, kind, **options)
    (stock,) = process.call(mnn_runs.stock, model.path, model.x)
    (actual,), _ = process.call(mnn_runs.ours, model.path, 1, model.x)
    assert error(actual, stock) < 1e-4
    stats = process.call(mnn_runs.session_stats, model.path, model.x)
    assert (stats.conversions == 2) is ours


def test_each_gelu_is_the_one_of_the_file(models, process):
    """They differ by little."""
    model = models("gelu")
    other = models.edited("gelu", "UnaryOp", opType="GELU_STANDARD")
    (stock,), (stock_other,) = (process.call(mnn_runs.stock, it.path, it.x) for it in (model, other))
    ((actual,), _), ((actual_other,), _) = (
        process.call(mnn_runs.ours, it.path, 1, it.x) for it in (model, other)
    )
    assert error(actual, stock) < error(actual, stock_other)
    assert error(actual_other, stock_other) < error(actual_other, stock)


@pytest.mark.parametrize("name", RESIZED)
def test_resizing_stays_in_a_clone(name, models, process):
    model = models(name)
    parts = process.call(mnn_report_runs.conversions_of_clones, model.path, model.x, model.x[:, :, :-2])
    assert parts == [2, 2, 2]


@pytest.mark.parametrize("name", [*SOME, "shuffled-pair", *RESIZED])
def test_each_isa(name, models, process):
    model = models(name)
    (stock,) = process.call(mnn_runs.stock, model.path, model.x)
    for isa, (outputs, _) in process.call(mnn_runs.on_each_isa, model.path, model.x).items():
        for actual in outputs.values():
            assert error(actual, stock) < 1e-4, isa


@pytest.mark.parametrize("name", RESIZED)
def test_resizing_without_neighbours(name, models, process):
    """What it reads and makes are outputs, too."""
    model = models(name)
    hidden = ("relu1", "resize2")
    outputs, stats = process.call(mnn_runs.saved_tensors, model.path, model.x, hidden)
    stock = process.call(mnn_runs.stock_saved_tensors, model.path, model.x, hidden)
    assert outputs.keys() == stock.keys() >= {*hidden}
    for output, expected in stock.items():
        assert error(outputs[output], expected) < 1e-4
    assert stats.conversions == 4


def stored(model, content: bytes) -> tuple[int, np.ndarray]:
    """The first constant of 16 numbers that is no bias, and where it stands in the file."""
    for initializer in onnx.load(model.onnx_path).graph.initializer:
        values = numpy_helper.to_array(initializer).ravel()
        if not initializer.name.startswith("b") and values.size == 16 and values.tobytes() in content:
            return content.index(values.tobytes()), values
    raise AssertionError("no such constant")


def test_not_a_number_among_the_constants(models, process, tmp_path):
    model = models("Mul-channels")
    content = bytearray(Path(model.path).read_bytes())
    begin, values = stored(model, content)
    values = values.copy()
    values[3] = np.nan
    content[begin : begin + 64] = values.tobytes()
    path = tmp_path / "nan.mnn"
    path.write_bytes(content)
    (actual,), _ = process.call(mnn_runs.ours, str(path), 1, model.x)
    assert np.isnan(actual).any()


def test_damaged_slopes_are_left_to_mnn(models, process, tmp_path):
    """One fewer than there are channels."""
    model = models("prelu")
    content = bytearray(Path(model.path).read_bytes())
    begin, _ = stored(model, content)
    content[begin - 4 : begin] = np.uint32(15).tobytes()
    path = tmp_path / "damaged.mnn"
    path.write_bytes(content)
    stats = process.call(mnn_runs.session_stats, str(path), model.x)
    assert stats.conversions > 2
    (actual,), _ = process.call(mnn_runs.ours, str(path), 1, model.x)
    (stock,) = process.call(mnn_runs.stock, str(path), model.x)
    assert error(actual, stock) < 1e-4
