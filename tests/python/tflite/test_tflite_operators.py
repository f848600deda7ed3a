"""Every operator the delegate takes, against the stock runtime."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from patternlite.tflite import load_delegate

from .builder import NONE, RELU, RELU6, RELU_N1_TO_1, SAME, VALID, ModelBuilder
from .networks import LOWEST, PAD_1, dense_weights
from .runtimes import Runtime, assert_close
from .weights import bias_of, depthwise_weights, pattern_weights

Case = Callable[[ModelBuilder, np.random.Generator, int], int]
CASES: dict[str, Case] = {}


def conv_case(
    kernel: int = 3, filters: int = 20, dense: bool = False, before: Case | None = None, **options
) -> Case:
    def build(b: ModelBuilder, rng: np.random.Generator, x: int) -> int:
        x = before(b, rng, x) if before else x
        weights = (
            dense_weights(rng, filters, kernel, 12) if dense
            else pattern_weights(rng, filters, kernel, 12, taps=min(4, kernel**2))
        )  # fmt: skip
        return b.conv(x, weights, bias_of(rng, filters), **options)

    return build


def depthwise_case(kernel: int = 3, taps: int = 4, before: Case | None = None, **options) -> Case:
    def build(b: ModelBuilder, rng: np.random.Generator, x: int) -> int:
        x = before(b, rng, x) if before else x
        return b.depthwise(x, depthwise_weights(rng, kernel, 12, taps=taps), bias_of(rng, 12), **options)

    return build


def fc_case(units: int, depth: int, kept: float, **options) -> Case:
    def build(b: ModelBuilder, rng: np.random.Generator, x: int) -> int:
        weights = rng.normal(size=(units, depth)) * (rng.random((units, depth)) < kept)
        x = b.reshape(x, 2, depth)
        return b.fully_connected(x, weights.astype("f"), bias_of(rng, units), **options)

    return build


def keras_upsampling(b: ModelBuilder, x: int, rows: int, columns: int) -> int:
    """Keras's UpSampling2D, as TensorFlow's converter writes it."""
    n, h, w, c = b.shape(x)
    y = b.tile(b.reshape(x, n, h, 1, w, c), 1, 1, rows, 1, 1)
    y = b.tile(b.reshape(y, n, h * rows, w, 1, c), 1, 1, 1, columns, 1)
    return b.reshape(y, n, h * rows, w * columns, c)


def to_nchw(b: ModelBuilder, x: int) -> int:
    return b.transpose(x, 0, 3, 1, 2)


def to_nhwc(b: ModelBuilder, x: int) -> int:
    return b.transpose(x, 0, 2, 3, 1)


def padded(amounts, fill: float | None = None) -> Case:
    return lambda b, rng, x: b.pad(x, amounts, fill)


for activation in (NONE, RELU, RELU6, RELU_N1_TO_1):
    CASES[f"conv-activation-{activation}"] = conv_case(activation=activation)
for padding in (SAME, VALID):
    for stride in (1, 2, 3, (2, 1)):
        for kernel in (1, 3, 5):
            CASES[f"conv-{kernel}-stride-{stride}-padding-{padding}"] = conv_case(
                kernel, padding=padding, stride=stride
            )
        for kernel in (3, 5):
            if not isinstance(stride, tuple):
                CASES[f"depthwise-{kernel}-stride-{stride}-padding-{padding}"] = depthwise_case(
                    kernel, padding=padding, stride=stride, activation=RELU6
                )
CASES |= {
    "depthwise-dense": depthwise_case(taps=9),
    "depthwise-dilated": depthwise_case(dilation=2, taps=9),
    "depthwise-padded": depthwise_case(before=padded(PAD_1), padding=VALID, stride=2),
    "depthwise-residual": lambda b, rng, x: b.unary("RELU6", b.add(x, depthwise_case()(b, rng, x))),
    "fc-sparse": fc_case(70, 11 * 13 * 12, 0.1, activation=RELU6),
    "fc-half-sparse": fc_case(70, 11 * 13 * 12, 0.4),
    "conv-dense": conv_case(dense=True),
    "conv-dilated": conv_case(dilation=2),
    "conv-dilated-valid": conv_case(dilation=3, padding=VALID),
    "conv-one-filter": conv_case(filters=1),
    "conv-padded": conv_case(before=padded(PAD_1), padding=VALID, stride=2),
    "conv-padded-twice": conv_case(before=padded(PAD_1), padding=SAME),
    "conv-padded-unevenly": conv_case(before=padded(((0, 0), (0, 2), (1, 0), (0, 0))), padding=VALID),
    "conv-padv2-zero": conv_case(before=padded(PAD_1, 0.0), padding=VALID),
    "relu": lambda b, rng, x: b.unary("RELU", x),
    "relu6": lambda b, rng, x: b.unary("RELU6", x),
    "relu-n1-to-1": lambda b, rng, x: b.unary("RELU_N1_TO_1", x),
    "leaky-relu": lambda b, rng, x: b.leaky_relu(x, 0.2),
    "leaky-relu-negative": lambda b, rng, x: b.leaky_relu(x, -1.5),
    "hard-swish": lambda b, rng, x: b.unary("HARD_SWISH", x),
    "add": lambda b, rng, x: b.add(x, b.unary("RELU", x), activation=RELU6),
    "logistic": lambda b, rng, x: b.unary("LOGISTIC", x),
    "silu": lambda b, rng, x: b.binary("Mul", x, b.unary("LOGISTIC", x)),
    "silu-reversed": lambda b, rng, x: b.binary("Mul", b.unary("LOGISTIC", x), x, activation=RELU),
    "multiply": lambda b, rng, x: b.binary("Mul", x, b.unary("RELU", x), activation=RELU6),
    "multiply-by-itself": lambda b, rng, x: b.binary("Mul", x, x),
    "multiply-channels": lambda b, rng, x: b.binary("Mul", x, b.mean(x, keep_dims=True)),
    "multiply-by-channels": lambda b, rng, x: b.binary("Mul", b.mean(x, keep_dims=True), x, activation=RELU),
    "multiply-rows": lambda b, rng, x: b.binary("Mul", b.resize_nearest(x, 1, 13), x),
    "multiply-rows-and-columns": lambda b, rng, x: b.binary(
        "Mul", b.resize_nearest(x, 1, 13), b.resize_nearest(x, 11, 1)
    ),
    "multiply-vectors": lambda b, rng, x: b.binary(
        "Mul", b.mean(x, keep_dims=False), b.unary("LOGISTIC", b.mean(x, keep_dims=False))
    ),
    "squeeze-and-excite": lambda b, rng, x: b.binary(
        "Mul", x, b.unary("LOGISTIC", conv_case(1, 12)(b, rng, b.mean(x, keep_dims=True)))
    ),
    "keras-upsampling": lambda b, rng, x: keras_upsampling(b, x, 2, 3),
    "keras-upsampling-rows": lambda b, rng, x: b.reshape(
        b.tile(b.reshape(x, 2, 11, 1, 13, 12), 1, 1, 4, 1, 1), 2, 44, 13, 12
    ),
    "keras-upsampling-of-one-column": lambda b, rng, x: keras_upsampling(b, b.resize_nearest(x, 5, 1), 2, 2),
    "add-to-itself": lambda b, rng, x: b.add(x, x),
    "max-pool-same": lambda b, rng, x: b.pool(x, "MAX", 3, stride=2, padding=SAME),
    "max-pool-padded": lambda b, rng, x: b.pool(b.pad(x, PAD_1, LOWEST), "MAX", 3, stride=2),
    "max-pool-zero-padded": lambda b, rng, x: b.pool(b.pad(b.unary("RELU", x), PAD_1), "MAX", 3, stride=2),
    "average-pool-same": lambda b, rng, x: b.pool(x, "AVERAGE", 3, stride=2, padding=SAME, activation=RELU),
    "average-pool-valid": lambda b, rng, x: b.pool(x, "AVERAGE", 4, stride=3),
    "mean": lambda b, rng, x: b.mean(x, keep_dims=False),
    "mean-keep-dims": lambda b, rng, x: b.mean(x, keep_dims=True),
    "mean-squeeze": lambda b, rng, x: b.unary("RELU", b.squeeze(b.mean(x, keep_dims=True))),
    "mean-reshape-to-a-map": lambda b, rng, x: b.unary(
        "RELU", b.reshape(b.mean(x, keep_dims=False), -1, 1, 1, 12)
    ),
    "mean-reshape": lambda b, rng, x: b.unary("RELU", b.reshape(b.mean(x, keep_dims=True), 2, -1)),
    "concatenate": lambda b, rng, x: b.concatenate(x, conv_case()(b, rng, x), b.unary("RELU", x), axis=3),
    "concatenate-one": lambda b, rng, x: b.concatenate(x),
    "concatenate-with-itself": lambda b, rng, x: b.concatenate(x, x),
    "concatenate-twice": lambda b, rng, x: b.concatenate(b.concatenate(b.unary("RELU", x), x), x),
    "concatenate-flat": lambda b, rng, x: b.concatenate(
        b.mean(x, keep_dims=False), b.mean(b.unary("RELU", x), keep_dims=False), axis=1
    ),
    "transpose-and-back": lambda b, rng, x: b.unary("RELU", to_nhwc(b, to_nchw(b, b.unary("RELU6", x)))),
    "concatenate-transposed": lambda b, rng, x: b.unary(
        "RELU", to_nhwc(b, b.concatenate(to_nchw(b, x), to_nchw(b, conv_case()(b, rng, x)), axis=1))
    ),
    "concatenate-transposed-twice": lambda b, rng, x: to_nhwc(
        b, b.concatenate(b.concatenate(to_nchw(b, x), to_nchw(b, x), axis=-3), to_nchw(b, x), axis=1)
    ),
    "softmax": lambda b, rng, x: b.softmax(b.mean(x, keep_dims=False)),
    "softmax-beta": lambda b, rng, x: b.softmax(b.mean(x, keep_dims=True), 7.5),
    "fc-map": lambda b, rng, x: b.fully_connected(
        x, rng.normal(size=(7, 11 * 13 * 12)).astype("f"), bias_of(rng, 7)
    ),
    "fc-flattened": lambda b, rng, x: b.fully_connected(
        b.reshape(x, 2, 11 * 13 * 12), rng.normal(size=(7, 11 * 13 * 12)).astype("f"), None, activation=RELU
    ),
    "fc-keep-dims": lambda b, rng, x: b.fully_connected(
        b.mean(x, keep_dims=True), rng.normal(size=(7, 12)).astype("f"), bias_of(rng, 7), keep_dims=True
    ),
    "fc-twice": lambda b, rng, x: b.fully_connected(
        b.fully_connected(b.mean(x, keep_dims=False), rng.normal(size=(9, 12)).astype("f"), None),
        rng.normal(size=(7, 9)).astype("f"), None,
    ),
}  # fmt: skip
for height, width in ((22, 26), (17, 40), (5, 6), (11, 13), (1, 1), (33, 1)):
    for options in ({}, {"align_corners": True}, {"half_pixels": True}):
        CASES[f"resize-{height}-{width}-{''.join(options)}"] = (
            lambda b, rng, x, size=(height, width), options=options: b.resize_nearest(x, *size, **options)
        )
        CASES[f"bilinear-{height}-{width}-{''.join(options)}"] = (
            lambda b, rng, x, size=(height, width), options=options: b.resize("Bilinear", x, *size, **options)
        )


@pytest.mark.parametrize("name", CASES)
def test_operator(
    name: str, litert: Runtime, rng: np.random.Generator, capfd: pytest.CaptureFixture[str]
) -> None:
    b = ModelBuilder()
    model = b.build(CASES[name](b, rng, b.input(2, 11, 13, 12)))
    x = rng.normal(size=(2, 11, 13, 12)).astype(np.float32)
    expected = litert.run(model, [x])
    capfd.readouterr()
    actual = litert.run(model, [x], load_delegate(force=True))
    # One partition and no other delegate's kernels: the operator was really ours.
    error = capfd.readouterr().err
    assert "in 1 partition," in error
    assert "XNNPACK" not in error
    assert_close(actual, expected)


def not_foldable() -> dict[str, Case]:
    """A PAD or RESHAPE that the delegate has to leave, next to convolutions that it takes."""
    conv = conv_case()
    return {
        "pad-before-average-pool": lambda b, rng, x: b.pool(b.pad(conv(b, rng, x), PAD_1), "AVERAGE", 3),
        "pad-before-max-pool": lambda b, rng, x: b.pool(b.pad(conv(b, rng, x), PAD_1), "MAX", 3),
        "pad-at-the-end": lambda b, rng, x: b.pad(conv(b, rng, x), PAD_1),
        "pad-of-channels": lambda b, rng, x: b.pad(conv(b, rng, x), ((0, 0), (0, 0), (0, 0), (1, 1))),
        "pad-with-ones": lambda b, rng, x: conv(b, rng, b.pad(conv_case(filters=12)(b, rng, x), PAD_1, 1.0)),
        "pad-beyond-the-kernel": lambda b, rng, x: conv_case(kernel=1)(
            b, rng, b.pad(conv_case(filters=12)(b, rng, x), PAD_1)
        ),
        "reshape-at-the-start": lambda b, rng, x: conv(b, rng, b.reshape(x, 2, 11, 13, 12)),
        "reshape-across-images": lambda b, rng, x: b.reshape(conv(b, rng, x), 1, -1),
        "depthwise-multiplier": lambda b, rng, x: b.depthwise(
            conv(b, rng, x), depthwise_weights(rng, 3, 40), bias_of(rng, 40)
        ),
        "reshape-at-the-end": lambda b, rng, x: b.reshape(conv(b, rng, x), 2, 11, 1, 13, 20),
        "tile-of-a-map": lambda b, rng, x: b.tile(conv(b, rng, x), 1, 2, 2, 1),
        "tile-of-channels": lambda b, rng, x: b.tile(
            b.reshape(conv(b, rng, x), 2, 11, 1, 13, 20), 1, 1, 1, 1, 2
        ),
        "tile-of-rows-as-they-are": lambda b, rng, x: b.tile(
            b.reshape(conv(b, rng, x), 2, 11, 13, 1, 20), 1, 1, 2, 1, 1
        ),
        "relu-of-an-unfolded-map": lambda b, rng, x: b.unary(
            "RELU", b.reshape(conv(b, rng, x), 2, 11, 1, 13, 20)
        ),
        "multiply-by-a-constant": lambda b, rng, x: b.binary(
            "Mul", conv(b, rng, x), b.constant(rng.normal(size=20).astype("f"))
        ),
        "transpose-at-the-end": lambda b, rng, x: to_nchw(b, conv(b, rng, x)),
        "transpose-of-rows": lambda b, rng, x: b.transpose(conv(b, rng, x), 0, 2, 1, 3),
        "transpose-twice": lambda b, rng, x: to_nchw(b, to_nchw(b, conv(b, rng, x))),
        "relu-of-a-transposed-map": lambda b, rng, x: b.unary("RELU", to_nchw(b, conv(b, rng, x))),
        "concatenate-transposed-at-the-end": lambda b, rng, x: b.concatenate(
            to_nchw(b, conv(b, rng, x)), to_nchw(b, conv(b, rng, x)), axis=1
        ),
        "concatenate-transposed-rows": lambda b, rng, x: to_nhwc(
            b, b.concatenate(to_nchw(b, conv(b, rng, x)), to_nchw(b, conv(b, rng, x)), axis=2)
        ),
        "unknown-at-the-end": lambda b, rng, x: b.unary("TANH", conv(b, rng, x)),
        "softmax-of-a-map": lambda b, rng, x: b.softmax(conv(b, rng, x)),
        "softmax-of-a-flattened-map": lambda b, rng, x: b.softmax(b.reshape(conv(b, rng, x), 2, -1)),
        "concatenate-rows": lambda b, rng, x: b.concatenate(
            conv(b, rng, x), conv_case(filters=20)(b, rng, x), axis=1
        ),
        "concatenate-images": lambda b, rng, x: b.concatenate(conv(b, rng, x), conv(b, rng, x), axis=0),
        "concatenate-flattened-maps": lambda b, rng, x: b.concatenate(
            b.reshape(conv(b, rng, x), 2, -1), b.reshape(conv(b, rng, x), 2, -1)
        ),
        "concatenate-a-constant": lambda b, rng, x: b.concatenate(
            conv(b, rng, x), b.constant(rng.normal(size=(2, 11, 13, 3)).astype("f"))
        ),
        "concatenate-padded": lambda b, rng, x: b.concatenate(
            b.pad(conv(b, rng, x), PAD_1), b.pad(conv(b, rng, x), PAD_1)
        ),
        "resize-padded": lambda b, rng, x: b.resize_nearest(b.pad(conv(b, rng, x), PAD_1), 20, 20),
    }


@pytest.mark.parametrize("name", not_foldable())
def test_what_cannot_be_taken_stays_with_the_runtime(
    name: str, litert: Runtime, rng: np.random.Generator
) -> None:
    b = ModelBuilder()
    model = b.build(not_foldable()[name](b, rng, b.input(2, 11, 13, 12)))
    x = rng.normal(size=(2, 11, 13, 12)).astype(np.float32)
    delegate = load_delegate(force=True)
    actual = litert.run(model, [x], delegate)
    assert "conv3x3" in {row["kind"] for row in delegate.layers if row["kernel"] != "stock"}
    assert_close(actual, litert.run(model, [x]))


def test_several_outputs_and_renamed_ones(litert: Runtime, rng: np.random.Generator) -> None:
    b = ModelBuilder()
    y = conv_case()(b, rng, b.input(1, 11, 13, 12))
    m = b.mean(y, keep_dims=True)
    model = b.build(y, m, b.reshape(m, 1, 20), b.unary("RELU", m))
    x = rng.normal(size=(1, 11, 13, 12)).astype(np.float32)
    assert_close(litert.run(model, [x], load_delegate(force=True)), litert.run(model, [x]))


def test_two_inputs(litert: Runtime, rng: np.random.Generator) -> None:
    b = ModelBuilder()
    first, second = b.input(2, 11, 13, 12), b.input(2, 11, 13, 20)
    model = b.build(b.add(second, conv_case()(b, rng, first)))
    inputs = [rng.normal(size=shape).astype(np.float32) for shape in ((2, 11, 13, 12), (2, 11, 13, 20))]
    assert_close(litert.run(model, inputs, load_delegate(force=True)), litert.run(model, inputs))
