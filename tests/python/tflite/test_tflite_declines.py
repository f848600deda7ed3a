"""What the delegate leaves alone, and says so: other types, dense models, limits, bad options."""

from __future__ import annotations

import re

import numpy as np
import pytest

from patternlite.tflite import available_isas, get_library_path, load_delegate

from .builder import SAME, ModelBuilder
from .networks import convolution, dense_weights, residual_network
from .runtimes import Runtime, assert_close
from .stored_builders import Float16Builder, SparseBuilder
from .weights import bias_of, pattern_weights


def int8_model(rng: np.random.Generator) -> bytes:
    b = ModelBuilder()
    x = b.input(1, 8, 8, 16, dtype=np.int8)
    weights = b.constant(rng.integers(-9, 9, size=(16, 3, 3, 16), dtype=np.int8))
    y = b.conv(x, weights, rng.integers(-9, 9, size=16, dtype=np.int32), dtype=np.int8)
    b.quantise(x, 0.05)
    b.quantise(weights, 0.01)
    b.quantise(y - 1, 0.05 * 0.01)  # the bias
    b.quantise(y, 0.1)
    return b.build(y)


def dynamic_weights_model(rng: np.random.Generator) -> bytes:
    b = ModelBuilder()
    x, weights = b.input(1, 8, 8, 16), b.input(8, 3, 3, 16)
    return b.build(b.conv(x, weights, bias_of(rng, 8), padding=SAME))


@pytest.mark.parametrize(
    ("make", "shapes", "dtype", "reason"),
    [
        (int8_model, [(1, 8, 8, 16)], np.int8, "declined:dtype-int8"),
        (dynamic_weights_model, [(1, 8, 8, 16), (8, 3, 3, 16)], np.float32, "declined:dynamic-weights"),
    ],
)
def test_other_weights_are_declined(
    runtime: Runtime, rng: np.random.Generator, make, shapes, dtype, reason, capfd: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    model = make(rng)
    inputs = [(20 * rng.normal(size=shape)).astype(dtype) for shape in shapes]
    expected = runtime.run(model, inputs)
    delegate = load_delegate(force=True)
    actual = runtime.run(model, inputs, delegate)
    np.testing.assert_array_equal(actual[0], expected[0])
    assert [(row["reason"], row["kernel"]) for row in delegate.layers] == [(reason, "stock")]
    assert "PatternDelegate" not in capfd.readouterr().err


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_declined_even_by_force(
    litert: Runtime, rng: np.random.Generator, value: float
) -> None:
    def weights(*arguments) -> np.ndarray:
        values = pattern_weights(*arguments, kept=0.2)
        values[-1, -1, -1, -1] = value
        return values

    model = convolution(rng, weights)
    x = [rng.normal(size=(1, 16, 16, 32)).astype(np.float32)]
    delegate = load_delegate(force=True)
    np.testing.assert_array_equal(litert.run(model, x, delegate)[0], litert.run(model, x)[0])
    (row,) = delegate.layers
    assert (row["kernel"], row["reason"]) == ("stock", "declined:non-finite-weights")


def test_a_dense_model_stays_with_the_runtime(
    runtime: Runtime, rng: np.random.Generator, capfd: pytest.CaptureFixture[str]
) -> None:
    model = convolution(rng, dense_weights)
    x = [rng.normal(size=(1, 16, 16, 32)).astype(np.float32)]
    delegate = load_delegate()
    actual = runtime.run(model, x, delegate)
    np.testing.assert_array_equal(actual[0], runtime.run(model, x)[0])
    assert [(row["reason"], row["kernel"]) for row in delegate.layers] == [("dense:too-few-zeros", "stock")]
    assert "PatternDelegate" not in capfd.readouterr().err


def test_a_sparse_model_is_taken_without_force(litert: Runtime, rng: np.random.Generator) -> None:
    model = convolution(rng, lambda *shape: pattern_weights(*shape, kept=0.2))
    x = [rng.normal(size=(1, 16, 16, 32)).astype(np.float32)]
    delegate = load_delegate()
    assert_close(litert.run(model, x, delegate), litert.run(model, x))
    (row,) = delegate.layers
    assert row["reason"] == "pattern"
    assert row["kernel"] != "stock"
    assert (row["kind"], row["filters"], row["channels"]) == ("conv3x3", 32, 32)
    assert row["patterns"] == 8
    assert row["kept_macs"] / row["dense_macs"] == pytest.approx(0.2 * 4 / 9, rel=0.2)


@pytest.mark.parametrize(("dilation", "reason"), [(6, "pattern"), (100, "declined:not-faster")])
def test_pads_far_wider_than_the_map(litert: Runtime, rng: np.random.Generator, dilation, reason) -> None:
    """Our kernels read the zeros, stock's do not."""
    b = ModelBuilder()
    weights = pattern_weights(rng, 32, 3, 32, kept=0.2)
    model = b.build(b.conv(b.input(1, 16, 16, 32), weights, bias_of(rng, 32), dilation=dilation))
    delegate = load_delegate()
    x = [rng.normal(size=(1, 16, 16, 32)).astype(np.float32)]
    assert_close(litert.run(model, x, delegate), litert.run(model, x))
    assert [row["reason"] for row in delegate.layers] == [reason]


@pytest.mark.parametrize(("batches", "reason"), [((1, 8), "declined:mixed-batch"), ((8, 8), "pattern")])
def test_batches_that_differ(litert: Runtime, rng: np.random.Generator, batches, reason: str) -> None:
    """What one image needs would be computed for each of the other batch."""
    b = ModelBuilder()
    parts = []
    for batch in batches:
        weights = pattern_weights(rng, 32, 3, 32, kept=0.2)
        parts.append(b.conv(b.input(batch, 16, 16, 32), weights, bias_of(rng, 32)))
    model, delegate = b.build(b.add(*parts[::-1])), load_delegate()
    x = [rng.normal(size=(batch, 16, 16, 32)).astype(np.float32) for batch in batches]
    assert_close(litert.run(model, x, delegate), litert.run(model, x))
    assert [row["reason"] for row in delegate.layers] == [reason] * 2
    assert all(row["kept_macs"] < row["dense_macs"] for row in delegate.layers)


def test_batches_that_differ_where_nothing_joins_them(litert: Runtime, rng: np.random.Generator) -> None:
    """TFLite gives such nodes as one partition: those of one batch stay, as many as may."""
    b = ModelBuilder()
    outputs = []
    for batch, layers in ((4, 1), (1, 3)):
        y = b.input(batch, 16, 16, 32)
        for _ in range(layers):
            y = b.conv(y, pattern_weights(rng, 32, 3, 32, kept=0.2), bias_of(rng, 32))
        outputs.append(y)
    outputs.append(b.unary("RELU", b.input(16, 64)))
    model, delegate = b.build(*outputs), load_delegate()
    shapes = ((4, 16, 16, 32), (1, 16, 16, 32), (16, 64))
    x = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    assert_close(litert.run(model, x, delegate), litert.run(model, x))
    assert [row["reason"] for row in delegate.layers] == ["declined:mixed-batch", *["pattern"] * 3]


@pytest.mark.parametrize("builder", [ModelBuilder, Float16Builder, SparseBuilder])
def test_weights_join_no_batches(
    litert: Runtime, rng: np.random.Generator, builder: type[ModelBuilder]
) -> None:
    """However a file stores what two branches share."""
    b = builder()
    weights = b.constant(pattern_weights(rng, 32, 3, 32, kept=0.2))
    outputs = []
    for batch, layers in ((4, 1), (1, 2)):
        y = b.input(batch, 16, 16, 32)
        for _ in range(layers):
            y = b.conv(y, weights, bias_of(rng, 32))
        outputs.append(y)
    model, delegate = b.build(*outputs), load_delegate()
    x = [rng.normal(size=(batch, 16, 16, 32)).astype(np.float32) for batch in (4, 1)]
    assert_close(litert.run(model, x, delegate), litert.run(model, x))
    assert [row["reason"] for row in delegate.layers] == ["declined:mixed-batch", "pattern", "pattern"]


@pytest.mark.parametrize(
    ("options", "claimed"),
    [({"max_delegated_partitions": 1}, 5), ({"min_nodes_per_partition": 10}, 5), ({}, 8)],
)
def test_limits_on_partitions(
    litert: Runtime, rng: np.random.Generator, options, claimed, capfd: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    model = residual_network(rng, middle="ABS")
    x = [rng.normal(size=(1, 24, 24, 3)).astype(np.float32)]
    actual = litert.run(model, x, load_delegate(force=True, **options))
    assert f" {claimed}/8 CONV_2D" in capfd.readouterr().err
    assert_close(actual, litert.run(model, x))


def test_unknown_options_list_the_known(runtime: Runtime) -> None:
    known = (
        "delegate_serialize_dir, force, isa, max_delegated_partitions, min_nodes_per_partition, num_threads, "
        "tune_budget_ms"
    )
    with pytest.raises(ValueError, match=f"unknown option 'threads'; the options are {known}"):
        runtime.load_delegate(get_library_path(), {"threads": "2"})


def test_a_wrong_variable_is_named(litert: Runtime, rng: np.random.Generator, monkeypatch) -> None:
    monkeypatch.setenv("PATTERNLITE_ISA", "mmx")
    message = f"PATTERNLITE_ISA names the unknown ISA 'mmx': unset it, or give one of {available_isas()[0]}"
    with pytest.raises(ValueError, match=message):
        load_delegate()
    delegate = load_delegate(isa="generic", force=True)
    litert.interpreter(convolution(rng), delegate)
    assert delegate.layers[0]["kernel"] != "stock"


def test_the_variable_names_the_isa(
    litert: Runtime, rng: np.random.Generator, monkeypatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATTERNLITE_ISA", "generic")
    delegate = load_delegate(force=True)
    litert.interpreter(convolution(rng), delegate)
    assert "isa=generic" in capfd.readouterr().err
    assert delegate.layers[0]["kernel"] != "stock"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_threads": 0}, "'num_threads' takes a whole number from 1 to 256, but got '0'"),
        ({"isa": "mmx"}, "'isa' takes one of what this machine has (" + ", ".join(available_isas())),
        ({"tune_budget_ms": -1}, "'tune_budget_ms' takes a whole number from 0 to 60000, but got '-1'"),
        ({"tune_budget_ms": 1.5}, "'tune_budget_ms' takes a whole number from 0 to 60000, but got '1.5'"),
        ({"delegate_serialize_dir": ""}, "'delegate_serialize_dir' takes the path of a directory"),
        ({"force": "maybe"}, "'force' takes true or false, but got 'maybe'"),
        ({"max_delegated_partitions": "many"}, "'max_delegated_partitions' takes a whole number from 0"),
    ],
)
def test_bad_values_say_what_the_option_takes(options, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        load_delegate(**options)
