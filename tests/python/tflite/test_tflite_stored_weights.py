"""Weights that a file stores as float16, without their zeros, or both."""

from __future__ import annotations

import numpy as np
import pytest

from patternlite.stored.weights import conv_weights
from patternlite.tflite import load_delegate

from .builder import RELU, ModelBuilder
from .networks import mobile_network, residual_network
from .runtimes import Runtime, assert_close, invoke
from .stored_builders import Float16Builder, RoundedBuilder, SparseBuilder, SparseFloat16Builder
from .weights import bias_of, pattern_weights

BUILDERS = [Float16Builder, SparseBuilder, SparseFloat16Builder]


def images(rng: np.random.Generator, batch: int = 1, size: int = 24) -> list[np.ndarray]:
    return [rng.normal(size=(batch, size, size, 3)).astype(np.float32)]


def networks(builder: type[ModelBuilder], **options) -> tuple[bytes, bytes]:
    """The stored network, and one whose answers are right in every runtime.

    (tensorflow 2.21 answers NaN to weights that are both sparse and float16.)
    """
    stored = residual_network(np.random.default_rng(3), builder=builder, **options)
    if builder is not SparseFloat16Builder:
        return stored, stored
    return stored, residual_network(np.random.default_rng(3), builder=RoundedBuilder, **options)


@pytest.mark.parametrize("builder", BUILDERS)
def test_a_whole_network_becomes_one_partition(
    runtime: Runtime, rng: np.random.Generator, builder, capfd: pytest.CaptureFixture[str]
) -> None:
    model, plain = networks(builder)
    x = images(rng)
    expected = runtime.run(plain, x)
    capfd.readouterr()
    delegate = load_delegate(force=True)
    interpreter = runtime.interpreter(model, delegate)
    assert_close(invoke(interpreter, x), expected)
    error = capfd.readouterr().err
    assert "8/8 CONV_2D in 1 partition," in error
    assert "XNNPACK" not in error
    assert len(delegate.layers) == 9  # the fully connected one as well
    assert all(row["reason"] in ("pattern", "sparse-1x1", "dense:too-few-zeros") for row in delegate.layers)


# Not both: tflite-runtime loses the DENSIFY's input when it is resized, and crashes without us as well.
@pytest.mark.parametrize("builder", [Float16Builder, SparseBuilder])
def test_two_partitions_and_resizes(
    runtime: Runtime, rng: np.random.Generator, builder, capfd: pytest.CaptureFixture[str]
) -> None:
    model, _ = networks(builder, middle="ABS", head=False)
    stock = runtime.interpreter(model)
    ours = runtime.interpreter(model, load_delegate(force=True))
    for batch, size in ((1, 24), (3, 24), (2, 17), (1, 24)):
        x = images(rng, batch, size)
        assert_close(invoke(ours, x), invoke(stock, x))
    assert "8/8 CONV_2D in 2 partitions," in capfd.readouterr().err


@pytest.mark.parametrize("builder", [Float16Builder, SparseBuilder])
def test_depthwise_and_fully_connected_layers(runtime: Runtime, rng: np.random.Generator, builder) -> None:
    model, x = mobile_network(np.random.default_rng(3), builder=builder), images(rng)
    delegate = load_delegate(force=True)
    interpreter = runtime.interpreter(model, delegate)
    for _ in range(3):  # what was expanded to be packed is gone by now
        assert_close(invoke(interpreter, x), runtime.run(model, x))
    assert {row["kernel"] for row in delegate.layers} >= {"depthwise", "fc-dense", "fc-sparse"}


def test_float16_weights_decide_as_float32_ones(litert: Runtime, rng: np.random.Generator) -> None:
    rows = []
    for builder in (ModelBuilder, Float16Builder, SparseBuilder):
        delegate = load_delegate()
        model = residual_network(np.random.default_rng(3), builder=builder)
        litert.run(model, images(rng), delegate)
        rows.append([(row["reason"], row["kernel"], row["kept_macs"]) for row in delegate.layers])
    assert len(rows[0]) == 9
    assert rows[0] == rows[1] == rows[2]


def test_the_interpreter_may_go_before_a_view(runtime: Runtime, rng: np.random.Generator) -> None:
    model, plain = networks(Float16Builder)
    x = images(rng)
    interpreter = runtime.interpreter(model, load_delegate(force=True))
    invoke(interpreter, x)
    view = interpreter.tensor(interpreter.get_output_details()[0]["index"])()
    del interpreter
    assert_close([view], runtime.run(plain, x))


# tensorflow 2.19's own XNNPACK fails to prepare this model.
def test_weights_that_others_read_too(litert: Runtime, rng: np.random.Generator) -> None:
    b = Float16Builder()
    weights = b.constant(pattern_weights(rng, 1, 3, 16))
    y = b.conv(b.input(1, 8, 8, 16), weights, b.constant(bias_of(rng, 1)), activation=RELU)
    # An operator that the delegate does not know, and one that it knows.
    model = b.build(y, b.unary("ABS", weights), b.add(weights, weights))
    delegate = load_delegate(force=True)
    x = [rng.normal(size=(1, 8, 8, 16)).astype(np.float32)]
    assert_close(litert.run(model, x, delegate), litert.run(model, x))
    assert [(row["reason"], row["kernel"] != "stock") for row in delegate.layers] == [("pattern", True)]


def test_a_sparse_tensor_without_densify_is_left_alone(litert: Runtime, rng: np.random.Generator) -> None:
    b = ModelBuilder()
    x = b.input(1, 8, 8, 16)
    weights = b.sparse_constant(pattern_weights(rng, 16, 3, 16))
    delegate = load_delegate(force=True)
    litert.run(
        b.build(b.conv(x, weights, bias_of(rng, 16))),
        [rng.normal(size=(1, 8, 8, 16)).astype(np.float32)],
        delegate,
    )
    assert [row["reason"] for row in delegate.layers] == ["declined:compressed-weights"]


def test_what_the_converter_writes(
    runtime: Runtime, rng: np.random.Generator, capfd: pytest.CaptureFixture[str]
) -> None:
    tensorflow = pytest.importorskip("tensorflow")
    keras = tensorflow.keras
    network = keras.Sequential([
        keras.layers.Input((16, 16, 3), batch_size=1),
        keras.layers.Conv2D(24, 3, padding="same", activation="relu"),
        keras.layers.Conv2D(32, 3, strides=2, padding="same", activation="relu"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(10),
    ])  # fmt: skip
    layer = network.layers[1]
    layer.set_weights([pattern_weights(rng, 32, 3, 24).transpose(1, 2, 3, 0), bias_of(rng, 32)])
    converter = tensorflow.lite.TFLiteConverter.from_keras_model(network)
    converter.optimizations = [tensorflow.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tensorflow.float16]
    model = converter.convert()

    x = [rng.normal(size=(1, 16, 16, 3)).astype(np.float32)]
    expected = runtime.run(model, x)
    capfd.readouterr()
    delegate = load_delegate(force=True)
    assert_close(runtime.run(model, x, delegate), expected)
    assert "2/2 CONV_2D in 1 partition," in capfd.readouterr().err
    assert [row["reason"] for row in delegate.layers][1] == "pattern"


def test_weights_are_read_without_a_runtime(rng: np.random.Generator) -> None:
    """float32 and float16; those stored without their zeros are left out."""
    weights = pattern_weights(rng, 8, 3, 6).astype(np.float16).astype(np.float32)
    for builder, count in ((ModelBuilder, 1), (Float16Builder, 1), (SparseBuilder, 0)):
        b = builder()
        x = b.input(1, 9, 9, 6)
        read = list(conv_weights(b.build(b.conv(x, weights, bias_of(rng, 8), activation=RELU)), ".tflite"))
        assert len(read) == count
        for weight in read:
            np.testing.assert_array_equal(weight, weights.transpose(0, 3, 1, 2))
