"""Operators that compute, alone or by a few: each is built behind an input of (2, 11, 13, 12)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .builder import NONE, RELU, RELU6, RELU_N1_TO_1, SAME, VALID, ModelBuilder
from .networks import LOWEST, PAD_1, dense_weights
from .weights import bias_of, depthwise_weights, pattern_weights

Case = Callable[[ModelBuilder, np.random.Generator, int], int]
COMPUTING: dict[str, Case] = {}


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


def grouped_case(filters: int, groups: int, kernel: int = 3, kept: float = 0.5, **options) -> Case:
    def build(b: ModelBuilder, rng: np.random.Generator, x: int) -> int:
        weights = rng.normal(size=(filters, kernel, kernel, 12 // groups)).astype("f")
        weights *= rng.random(weights.shape) < kept
        return b.conv(x, weights, bias_of(rng, filters), **options)

    return build


def fc_case(units: int, depth: int, kept: float, **options) -> Case:
    def build(b: ModelBuilder, rng: np.random.Generator, x: int) -> int:
        weights = rng.normal(size=(units, depth)) * (rng.random((units, depth)) < kept)
        x = b.reshape(x, 2, depth)
        return b.fully_connected(x, weights.astype("f"), bias_of(rng, units), **options)

    return build


def transposed(kernel: int | tuple[int, int], channels: int = 12, taps: int | None = None, **options) -> Case:
    def build(b: ModelBuilder, rng: np.random.Generator, x: int) -> int:
        height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
        weights = rng.normal(size=(9, height, width, channels)).astype("f")
        if taps:
            weights *= rng.random(weights.shape) < taps / (height * width)
        return b.transpose_conv(x, weights, bias_of(rng, 9), **options)

    return build


def by_channels(rng: np.random.Generator, channels: int = 12) -> np.ndarray:
    return rng.normal(size=channels).astype("f")


def padded(amounts, fill: float | None = None) -> Case:
    return lambda b, rng, x: b.pad(x, amounts, fill)


for activation in (NONE, RELU, RELU6, RELU_N1_TO_1):
    COMPUTING[f"conv-activation-{activation}"] = conv_case(activation=activation)
for padding in (SAME, VALID):
    for stride in (1, 2, 3, (2, 1)):
        for kernel in (1, 3, 5):
            COMPUTING[f"conv-{kernel}-stride-{stride}-padding-{padding}"] = conv_case(
                kernel, padding=padding, stride=stride
            )
        for kernel in (3, 5):
            if not isinstance(stride, tuple):
                COMPUTING[f"depthwise-{kernel}-stride-{stride}-padding-{padding}"] = depthwise_case(
                    kernel, padding=padding, stride=stride, activation=RELU6
                )
COMPUTING |= {
    "depthwise-dense": depthwise_case(taps=9),
    "depthwise-dilated": depthwise_case(dilation=2, taps=9),
    "depthwise-multiplier": lambda b, rng, x: b.depthwise(
        b.pad(x, PAD_1), depthwise_weights(rng, 3, 36), bias_of(rng, 36), padding=VALID
    ),
    "depthwise-as-groups": grouped_case(12, 12),
    "depthwise-multiplier-as-groups": grouped_case(24, 12, stride=2),
    "groups": grouped_case(20, 4),
    "groups-dense": grouped_case(6, 2, kept=1),
    "groups-of-1x1": grouped_case(12, 3, kernel=1),
    "groups-strided": grouped_case(32, 4, stride=2, activation=RELU),
    "groups-of-vectors": lambda b, rng, x: grouped_case(12, 3, kernel=1)(
        b, rng, b.mean(x, keep_dims=True)
    ),
    "depthwise-padded": depthwise_case(before=padded(PAD_1), padding=VALID, stride=2),
    "depthwise-residual": lambda b, rng, x: b.unary("RELU6", b.add(x, depthwise_case()(b, rng, x))),
    "fc-sparse": fc_case(70, 11 * 13 * 12, 0.1, activation=RELU6),
    "fc-half-sparse": fc_case(70, 11 * 13 * 12, 0.4),
    "conv-dense": conv_case(dense=True),
    "conv-dilated": conv_case(dilation=2),
    "conv-dilated-valid": conv_case(dilation=3, padding=VALID),
    "conv-dilated-rows": conv_case(dilation=(3, 1)),
    "conv-dilated-columns": conv_case(dilation=(1, 2), stride=(2, 1), padding=VALID),
    "depthwise-strided-columns": depthwise_case(stride=(1, 2)),
    "depthwise-strided-rows": depthwise_case(stride=(3, 1), padding=VALID),
    "depthwise-dilated-rows": depthwise_case(dilation=(2, 1), taps=9),
    "depthwise-dilated-columns": depthwise_case(dilation=(1, 3), taps=9, padding=VALID),
    "conv-one-filter": conv_case(filters=1),
    "conv-padded": conv_case(before=padded(PAD_1), padding=VALID, stride=2),
    "conv-padded-twice": conv_case(before=padded(PAD_1), padding=SAME),
    "conv-padded-unevenly": conv_case(before=padded(((0, 0), (0, 2), (1, 0), (0, 0))), padding=VALID),
    "conv-padv2-zero": conv_case(before=padded(PAD_1, 0.0), padding=VALID),
    "relu": lambda b, rng, x: b.unary("RELU", x),
    "relu6": lambda b, rng, x: b.unary("RELU6", x),
    "relu-n1-to-1": lambda b, rng, x: b.unary("RELU_N1_TO_1", x),
    "relu-0-to-1": lambda b, rng, x: b.unary("RELU_0_TO_1", x),
    "gelu": lambda b, rng, x: b.gelu(x),
    "gelu-approximate": lambda b, rng, x: b.gelu(x, approximate=True),
    "gelu-of-sums": lambda b, rng, x: b.gelu(conv_case()(b, rng, x)),
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
    "multiply-by-one-channel": lambda b, rng, x: b.binary(
        "Mul", x, b.unary("LOGISTIC", conv_case(1, 1)(b, rng, x))
    ),
    "multiply-one-channel-of-one-row": lambda b, rng, x: b.binary(
        "Mul", b.resize_nearest(conv_case(filters=1)(b, rng, x), 1, 13), x, activation=RELU
    ),
    "multiply-by-one-number-for-each-image": lambda b, rng, x: b.binary(
        "Mul", x, conv_case(1, 1)(b, rng, b.mean(x, keep_dims=True))
    ),
    "add-one-channel": lambda b, rng, x: b.add(conv_case(filters=1)(b, rng, x), x, activation=RELU6),
    "multiply-vectors": lambda b, rng, x: b.binary(
        "Mul", b.mean(x, keep_dims=False), b.unary("LOGISTIC", b.mean(x, keep_dims=False))
    ),
    "multiply-by-a-number": lambda b, rng, x: b.binary("Mul", x, b.constant(np.array(0.3, np.float32))),
    "multiply-by-constants": lambda b, rng, x: b.binary(
        "Mul", x, b.constant(by_channels(rng)), activation=RELU
    ),
    "multiply-constants": lambda b, rng, x: b.binary(
        "Mul", b.constant(by_channels(rng).reshape(1, 1, 1, 12)), x
    ),
    "add-constants": lambda b, rng, x: b.binary("Add", x, b.constant(by_channels(rng)), activation=RELU6),
    "subtract-constants": lambda b, rng, x: b.binary("Sub", x, b.constant(by_channels(rng).reshape(1, 12))),
    "subtract-from-constants": lambda b, rng, x: b.binary("Sub", b.constant(by_channels(rng)), x),
    "divide-by-constants": lambda b, rng, x: b.binary("Div", x, b.constant(3 + by_channels(rng))),
    "norm": lambda b, rng, x: b.unary(
        "RELU", b.binary(
            "Add", b.binary("Mul", x, b.constant(by_channels(rng))), b.constant(by_channels(rng)),
        )
    ),
    "norm-of-vectors": lambda b, rng, x: b.binary(
        "Sub", b.binary("Mul", b.mean(x, keep_dims=False), b.constant(by_channels(rng))),
        b.constant(by_channels(rng).reshape(1, 12)),
    ),
    "number-times-flattened": lambda b, rng, x: b.binary(
        "Mul", b.reshape(b.unary("RELU", x), 2, 11 * 13 * 12), b.constant(np.array([2.5], np.float32))
    ),
    "hard-sigmoid": lambda b, rng, x: b.binary(
        "Mul", b.unary("RELU6", b.binary("Add", x, b.constant(np.array(3, np.float32)))),
        b.constant(np.array(1 / 6, np.float32)),
    ),
    "prelu": lambda b, rng, x: b.prelu(x, by_channels(rng).reshape(1, 1, 12)),
    "prelu-of-one": lambda b, rng, x: b.prelu(x, by_channels(rng, 1).reshape(1, 1, 1)),
    "tanh": lambda b, rng, x: b.unary("TANH", x),
    "transposed-2": transposed(2),
    "transposed-2-relu": transposed(2, activation=RELU),
    "transposed-3": transposed(3),
    "transposed-3-sparse": transposed(3, taps=3),
    "transposed-3-valid": transposed(3, padding=VALID),
    "transposed-3-odd": transposed(3, size=(21, 25)),
    "transposed-4": transposed(4),
    "transposed-4-valid": transposed(4, padding=VALID),
    "transposed-5-of-stride-3": transposed(5, stride=3),
    "transposed-6-of-stride-4": transposed((6, 4), stride=4),
    "transposed-3-of-stride-1": transposed(3, stride=1),
    "transposed-without-bias": lambda b, rng, x: b.transpose_conv(
        x, rng.normal(size=(5, 2, 2, 12)).astype("f")
    ),
    "transposed-and-joined": lambda b, rng, x: b.concatenate(
        transposed(2)(b, rng, x), b.resize_nearest(x, 22, 26)
    ),
    "squeeze-and-excite": lambda b, rng, x: b.binary(
        "Mul", x, b.unary("LOGISTIC", conv_case(1, 12)(b, rng, b.mean(x, keep_dims=True)))
    ),
    "add-to-itself": lambda b, rng, x: b.add(x, x),
    "max-pool-same": lambda b, rng, x: b.pool(x, "MAX", 3, stride=2, padding=SAME),
    "max-pool-padded": lambda b, rng, x: b.pool(b.pad(x, PAD_1, LOWEST), "MAX", 3, stride=2),
    "max-pool-zero-padded": lambda b, rng, x: b.pool(b.pad(b.unary("RELU", x), PAD_1), "MAX", 3, stride=2),
    "max-pool-same-padded": lambda b, rng, x: b.pool(
        b.pad(b.unary("RELU", x), ((0, 0), (2, 2), (2, 2), (0, 0))), "MAX", 3, padding=SAME
    ),
    "max-pool-rows": lambda b, rng, x: b.pool(x, "MAX", (3, 2), stride=(2, 1)),
    "average-pool-columns-same": lambda b, rng, x: b.pool(x, "AVERAGE", (2, 5), stride=(1, 3), padding=SAME),
    "average-pool-same": lambda b, rng, x: b.pool(x, "AVERAGE", 3, stride=2, padding=SAME, activation=RELU),
    "average-pool-valid": lambda b, rng, x: b.pool(x, "AVERAGE", 4, stride=3),
    "mean": lambda b, rng, x: b.mean(x, keep_dims=False),
    "mean-keep-dims": lambda b, rng, x: b.mean(x, keep_dims=True),
    "mean-squeeze": lambda b, rng, x: b.unary("RELU", b.squeeze(b.mean(x, keep_dims=True))),
    "mean-squeeze-from-the-end": lambda b, rng, x: b.squeeze(b.mean(x, keep_dims=True), -2, -3),
    "mean-reshape-to-a-map": lambda b, rng, x: b.unary(
        "RELU", b.reshape(b.mean(x, keep_dims=False), -1, 1, 1, 12)
    ),
    "mean-reshape": lambda b, rng, x: b.unary("RELU", b.reshape(b.mean(x, keep_dims=True), 2, 12)),
    "softmax": lambda b, rng, x: b.softmax(b.mean(x, keep_dims=False)),
    "softmax-beta": lambda b, rng, x: b.softmax(b.mean(x, keep_dims=True), 7.5),
    "softmax-of-one-resized-position": lambda b, rng, x: b.softmax(b.resize_nearest(x, 1, 1)),
    "softmax-of-fc-map": lambda b, rng, x: b.softmax(
        b.fully_connected(x, rng.normal(size=(7, 11 * 13 * 12)).astype("f"), bias_of(rng, 7))
    ),
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
# Pads narrower than the window in their own direction only, and pads as wide as the window.
for window, rows, columns in (
    ((3, 2), (2, 1), (1, 0)),
    ((3, 2), (0, 2), (0, 1)),
    ((2, 3), (1, 0), (2, 1)),
    ((2, 3), (0, 1), (0, 2)),
):
    COMPUTING[f"max-pool-{window}-padded-{rows}-{columns}"] = (
        lambda b, rng, x, window=window, pad=((0, 0), rows, columns, (0, 0)): b.pool(
            b.pad(x, pad, LOWEST), "MAX", window, stride=(1, 2)
        )
    )
for rows, columns in (((3, 0), (0, 0)), ((0, 3), (0, 0)), ((0, 0), (3, 0)), ((0, 0), (0, 3))):
    COMPUTING[f"max-pool-of-a-wide-pad-{rows}-{columns}"] = (
        lambda b, rng, x, pad=((0, 0), rows, columns, (0, 0)): b.pool(
            b.pad(b.unary("RELU", x), pad), "MAX", 3
        )
    )
