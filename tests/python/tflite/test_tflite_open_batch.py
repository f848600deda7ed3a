"""Models whose converter left the batch open: they compute shapes as they run."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from patternlite.tflite import load_delegate

from .builder import RELU
from .open_batch_builder import OpenBatchBuilder
from .runtimes import Runtime, assert_close, invoke
from .weights import bias_of, pattern_weights

CHANNELS = 32
Network = Callable[[OpenBatchBuilder, np.random.Generator, int], int]


def conv(b: OpenBatchBuilder, rng: np.random.Generator, x: int, size: int = 3) -> int:
    weights = pattern_weights(rng, CHANNELS, size, b.shape(x)[3], taps=min(4, size**2), kept=0.2)
    return b.conv(x, weights, bias_of(rng, CHANNELS), activation=RELU)


def excited(b: OpenBatchBuilder, rng: np.random.Generator, x: int) -> int:
    """Squeeze-and-excite, as EfficientNets in Keras have it."""
    gate = b.keras_reshape(b.mean(x, keep_dims=False), 1, 1, CHANNELS)
    return b.binary("Mul", x, b.unary("LOGISTIC", conv(b, rng, conv(b, rng, gate, 1), 1)))


def upsampled(b: OpenBatchBuilder, rng: np.random.Generator, x: int) -> int:
    weights = pattern_weights(rng, CHANNELS, 3, CHANNELS, kept=0.2)
    return b.keras_transpose_conv(x, weights, bias_of(rng, CHANNELS))


NETWORKS: dict[str, Network] = {
    "squeeze-and-excite": lambda b, rng, x: conv(b, rng, excited(b, rng, conv(b, rng, x))),
    "upsampling": lambda b, rng, x: conv(b, rng, upsampled(b, rng, conv(b, rng, x))),
    "image-of-a-vector": lambda b, rng, x: conv(
        b, rng, b.keras_reshape(b.mean(conv(b, rng, x), keep_dims=False), 4, 4, 2)
    ),
}


@pytest.mark.parametrize("network", NETWORKS)
def test_shapes_with_the_batch(
    runtime: Runtime, rng: np.random.Generator, network: str, capfd: pytest.CaptureFixture[str]
) -> None:
    b = OpenBatchBuilder()
    y = NETWORKS[network](b, rng, b.input(1, 8, 8, CHANNELS, signature=(-1, 8, 8, CHANNELS)))
    model = b.build(y)
    delegate = load_delegate(force=True, min_nodes_per_partition=b.operators)
    check_batches(runtime, rng, model, delegate)
    assert all(row["kernel"] != "stock" for row in delegate.layers)
    assert " in 1 partition," in capfd.readouterr().err


def of_the_runtimes_own(b: OpenBatchBuilder, rng: np.random.Generator, x: int) -> int:
    y = conv(b, rng, x)
    return b.reshape_at_run_time(b.unary("ABS", y), b.pack(b.size_of(y), 8, 8, CHANNELS), 1, 8, 8, CHANNELS)


def test_a_shape_that_the_runtime_needs(runtime: Runtime, rng: np.random.Generator) -> None:
    b = OpenBatchBuilder()
    model = b.build(of_the_runtimes_own(b, rng, b.input(1, 8, 8, CHANNELS, signature=(-1, 8, 8, CHANNELS))))
    delegate = load_delegate(force=True)
    check_batches(runtime, rng, model, delegate)
    assert any(row["kernel"] != "stock" for row in delegate.layers)


def test_a_map_that_is_only_measured(litert: Runtime, rng: np.random.Generator) -> None:
    """It takes no memory; another batch of it is another shape all the same."""
    b = OpenBatchBuilder()
    x, measured = b.input(1, 8, 8, CHANNELS), b.input(1, 64, 64, CHANNELS)
    vector, packed = b.mean(conv(b, rng, x), keep_dims=False), b.pack(b.size_of(measured), 1, 1, CHANNELS)
    model = b.build(conv(b, rng, b.reshape_at_run_time(vector, packed, 1, 1, 1, CHANNELS), 1))
    delegate = load_delegate(force=True)
    ours, stock = litert.interpreter(model, delegate), litert.interpreter(model)
    assert all(row["kernel"] != "stock" for row in delegate.layers)
    assert delegate.activation_bytes < 4 * 64 * 64 * CHANNELS
    for batches in ((1, 1), (3, 3)):
        inputs = [
            rng.normal(size=(n, size, size, CHANNELS)).astype(np.float32)
            for n, size in zip(batches, (8, 64), strict=True)
        ]
        assert_close(invoke(ours, inputs), invoke(stock, inputs))
    with pytest.raises(RuntimeError):  # as stock: a reshape of three images to two
        invoke(ours, [inputs[0], inputs[1][:2]])


def check_batches(runtime: Runtime, rng: np.random.Generator, model: bytes, delegate) -> None:
    ours, stock = runtime.interpreter(model, delegate), runtime.interpreter(model)
    for batch in (1, 3, 2, 1):
        x = [rng.normal(size=(batch, 8, 8, CHANNELS)).astype(np.float32)]
        assert_close(invoke(ours, x), invoke(stock, x))
