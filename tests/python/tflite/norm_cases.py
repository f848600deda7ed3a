"""Layer normalisation over channels, as converters write it, and what is much like it."""

from __future__ import annotations

import numpy as np

from .builder import RELU, ModelBuilder
from .computing_cases import Case, by_channels, conv_case
from .moving_cases import channels_first


def factor_of(
    b: ModelBuilder,
    x: int,
    mean: int,
    scales: np.ndarray | None = None,
    *,
    axis: int = -1,
    epsilon: float = 1e-3,
) -> int:
    """Of the differences from the mean."""
    variance = b.mean(b.squared_difference(x, mean), keep_dims=True, axes=(axis,))
    factor = b.unary("RSQRT", b.binary("Add", variance, b.constant(np.array(epsilon, np.float32))))
    return factor if scales is None else b.binary("Mul", factor, b.constant(scales))


def norm(b: ModelBuilder, x: int, scales: np.ndarray | None, shifts: np.ndarray, *, axis: int = -1) -> int:
    """tf.nn.batch_normalization's order, which onnx2tf gives to PyTorch's LayerNorm."""
    mean = b.mean(x, keep_dims=True, axes=(axis,))
    factor = factor_of(b, x, mean, scales, axis=axis)
    shift = b.binary("Sub", b.constant(shifts), b.binary("Mul", mean, factor))
    return b.add(b.binary("Mul", x, factor), shift)


def keras_norm(b: ModelBuilder, x: int, scales: np.ndarray, shifts: np.ndarray | None = None) -> int:
    mean = b.mean(x, keep_dims=True, axes=(-1,))
    negated, factor = b.unary("NEG", mean), factor_of(b, x, mean, scales)
    shift = b.binary("Mul", negated, factor)
    if shifts is not None:
        shift = b.binary("Add", shift, b.constant(shifts))
    return b.add(shift, b.binary("Mul", factor, x))


NORMS: dict[str, Case] = {
    "norm": lambda b, rng, x: norm(b, x, by_channels(rng), by_channels(rng)),
    "norm-of-shifted-values": lambda b, rng, x: norm(
        b, b.binary("Add", x, b.constant(np.array(3, np.float32))), by_channels(rng), by_channels(rng)
    ),
    "norm-between-convolutions": lambda b, rng, x: conv_case()(
        b, rng, b.gelu(norm(b, conv_case(filters=12)(b, rng, x), by_channels(rng), by_channels(rng)))
    ),
    "norm-without-scales": lambda b, rng, x: norm(b, x, None, by_channels(rng)),
    "norm-with-one-scale": lambda b, rng, x: norm(b, x, by_channels(rng, 1), by_channels(rng)),
    "norm-of-vectors": lambda b, rng, x: norm(
        b, b.mean(x, keep_dims=False), by_channels(rng), by_channels(rng), axis=1
    ),
    "norm-of-nchw": channels_first(
        lambda b, rng, y: norm(
            b, y, by_channels(rng).reshape(12, 1, 1), by_channels(rng).reshape(1, 12, 1, 1), axis=1
        )
    ),
    "norm-of-padded": lambda b, rng, x: norm(
        b, b.pad(x, ((0, 0), (1, 1), (2, 0), (0, 0))), by_channels(rng), by_channels(rng)
    ),
    "norm-by-keras": lambda b, rng, x: keras_norm(b, x, by_channels(rng), by_channels(rng)),
    "norm-by-keras-without-shifts": lambda b, rng, x: b.unary(
        "RELU", keras_norm(b, x, by_channels(rng).reshape(1, 1, 1, 12))
    ),
}


def joined(
    b: ModelBuilder, x: int, mean: int, factor: int, shifts: np.ndarray, *, activation: int = 0
) -> int:
    shift = b.binary("Sub", b.constant(shifts), b.binary("Mul", mean, factor))
    return b.add(b.binary("Mul", x, factor), shift, activation=activation)


def means_read_twice(b: ModelBuilder, rng: np.random.Generator, x: int) -> int:
    x = conv_case(filters=12)(b, rng, x)
    mean = b.mean(x, keep_dims=True, axes=(3,))
    made = joined(b, x, mean, factor_of(b, x, mean, by_channels(rng)), by_channels(rng))
    return b.add(conv_case()(b, rng, made), b.unary("RELU", mean))


def means_of_another(b: ModelBuilder, rng: np.random.Generator, x: int) -> int:
    y = conv_case(filters=12)(b, rng, x)
    mean = b.mean(y, keep_dims=True, axes=(3,))
    return conv_case()(b, rng, joined(b, x, mean, factor_of(b, x, mean, by_channels(rng)), by_channels(rng)))


def two_factors(b: ModelBuilder, rng: np.random.Generator, x: int) -> int:
    x = conv_case(filters=12)(b, rng, x)
    mean, scales = b.mean(x, keep_dims=True, axes=(3,)), by_channels(rng)
    first, second = (factor_of(b, x, mean, scales, epsilon=epsilon) for epsilon in (1e-3, 0.5))
    shift = b.binary("Sub", b.constant(by_channels(rng)), b.binary("Mul", mean, second))
    return conv_case()(b, rng, b.add(b.binary("Mul", x, first), shift))


def turned_shift(b: ModelBuilder, rng: np.random.Generator, x: int) -> int:
    x = conv_case(filters=12)(b, rng, x)
    mean = b.mean(x, keep_dims=True, axes=(3,))
    factor = factor_of(b, x, mean, by_channels(rng))
    shift = b.binary("Sub", b.binary("Mul", mean, factor), b.constant(by_channels(rng)))
    return b.add(b.binary("Mul", x, factor), shift)


def with_relu(b: ModelBuilder, rng: np.random.Generator, x: int) -> int:
    x = conv_case(filters=12)(b, rng, x)
    mean = b.mean(x, keep_dims=True, axes=(3,))
    factor = factor_of(b, x, mean, by_channels(rng))
    return joined(b, x, mean, factor, by_channels(rng), activation=RELU)


# Which the delegate leaves, next to a convolution that it takes.
NO_NORMS: dict[str, Case] = {
    "mean-of-channels": lambda b, rng, x: b.mean(conv_case()(b, rng, x), keep_dims=True, axes=(3,)),
    "mean-of-channels-without-their-axis": lambda b, rng, x: b.mean(
        conv_case()(b, rng, x), keep_dims=False, axes=(3,)
    ),
    "gate-of-positions": lambda b, rng, x: b.binary(
        "Mul", y := conv_case()(b, rng, x), b.unary("LOGISTIC", b.mean(y, keep_dims=True, axes=(3,)))
    ),
    "squared-difference": lambda b, rng, x: b.squared_difference(conv_case(filters=12)(b, rng, x), x),
    "norm-whose-means-are-read-twice": means_read_twice,
    "norm-by-the-means-of-another": means_of_another,
    "norm-by-two-factors": two_factors,
    "norm-whose-shift-is-turned": turned_shift,
    "norm-with-an-activation": with_relu,
}
