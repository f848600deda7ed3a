"""Layer and instance normalisation, as converters write them, and what is much like them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .builder import NONE, RELU, RELU6, ModelBuilder
from .computing_cases import Case, by_channels, conv_case
from .moving_cases import channels_first, to_nchw, to_nhwc
from .networks import PAD_1


def inverse_root(b: ModelBuilder, squares: int, axes: tuple[int, ...], epsilon: float = 1e-3) -> int:
    variance = b.mean(squares, keep_dims=True, axes=axes)
    return b.unary("RSQRT", b.binary("Add", variance, b.constant(np.array(epsilon, np.float32))))


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
    factor = inverse_root(b, b.squared_difference(x, mean), (axis,), epsilon)
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


def joined(
    b: ModelBuilder, x: int, mean: int, factor: int, shifts: np.ndarray, *, clip: int = NONE,
    activation: int = NONE,
) -> int:  # fmt: skip
    """clip: the activation of a part."""
    shift = b.binary("Sub", b.constant(shifts), b.binary("Mul", mean, factor))
    return b.add(b.binary("Mul", x, factor, activation=clip), shift, activation=activation)


def spelled_out(b: ModelBuilder, x: int, axes: tuple[int, ...]) -> int:
    """As in PyTorch networks that have their own."""
    differences = b.binary("Sub", x, b.mean(x, keep_dims=True, axes=axes))
    return b.binary("Mul", differences, inverse_root(b, b.binary("Mul", differences, differences), axes))


def instance_norm(b: ModelBuilder, x: int, axes: tuple[int, ...] = (1, 2), *, activation: int = NONE) -> int:
    """onnx2tf's, of InstanceNormalization."""
    mean = b.mean(x, keep_dims=True, axes=axes)
    factor = inverse_root(b, b.squared_difference(x, mean), axes)
    return b.binary("Mul", b.binary("Sub", x, mean), factor, activation=activation)


def instance_norm_that_gates(b: ModelBuilder, x: int) -> int:
    mean = b.mean(x, keep_dims=True)
    factor = inverse_root(b, b.squared_difference(x, mean), (1, 2))
    return b.binary("Mul", b.binary("Mul", b.binary("Sub", x, mean), factor), b.unary("LOGISTIC", mean))


def instance_norm_like_a_batch_norm(b: ModelBuilder, rng: np.random.Generator, x: int) -> int:
    mean = b.mean(x, keep_dims=True)
    factor = inverse_root(b, b.squared_difference(x, mean), (1, 2))
    return joined(b, x, mean, b.binary("Mul", factor, b.constant(by_channels(rng))), by_channels(rng))


def with_activations(**activations: int) -> Case:
    def build(b: ModelBuilder, rng: np.random.Generator, x: int) -> int:
        x = conv_case(filters=12)(b, rng, x)
        mean = b.mean(x, keep_dims=True, axes=(3,))
        factor = factor_of(b, x, mean, by_channels(rng))
        return joined(b, x, mean, factor, by_channels(rng), **activations)

    return build


NORMS: dict[str, Case] = {
    "norm-spelled-out": lambda b, rng, x: b.binary(
        "Add",
        b.binary("Mul", spelled_out(b, x, (3,)), b.constant(by_channels(rng))),
        b.constant(by_channels(rng)),
    ),
    "instance-norm": lambda b, rng, x: b.binary(
        "Mul", instance_norm(b, x), b.constant(by_channels(rng)), activation=RELU
    ),
    "instance-norm-between-convolutions": lambda b, rng, x: conv_case()(
        b, rng, b.leaky_relu(instance_norm(b, conv_case(filters=12)(b, rng, x)), 0.1)
    ),
    "instance-norm-spelled-out": lambda b, rng, x: b.unary("RELU", spelled_out(b, x, (1, 2))),
    "instance-norm-like-a-batch-norm": instance_norm_like_a_batch_norm,
    "instance-norm-of-nchw": channels_first(lambda b, rng, y: instance_norm(b, y, (2, 3))),
    "instance-norm-and-gate": lambda b, rng, x: b.binary(
        "Mul", instance_norm(b, x), b.unary("LOGISTIC", b.mean(x, keep_dims=True))
    ),
    "instance-norm-whose-means-gate": lambda b, rng, x: instance_norm_that_gates(b, x),
    "instance-norm-with-an-activation": lambda b, rng, x: instance_norm(b, x, activation=RELU6),
    "norm-with-an-activation": with_activations(activation=RELU),
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
    "norm-of-vectors-by-their-last-axis": lambda b, rng, x: norm(
        b, b.mean(x, keep_dims=False), by_channels(rng), by_channels(rng)
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


def by_other_means(b: ModelBuilder, x: int, change: Callable[[int], int]) -> int:
    """Of positions, but for what is less by others than those of all."""
    mean = b.mean(x, keep_dims=True)
    factor = inverse_root(b, b.squared_difference(x, mean), (1, 2))
    return b.binary("Mul", b.binary("Sub", x, change(mean)), factor)


def of_a_changed_map(change: Callable[[ModelBuilder, int], int], axes: tuple[int, ...] = (1, 2)) -> Case:
    """As a norm, but mean and variance are those of the map before the change."""

    def build(b: ModelBuilder, rng: np.random.Generator, x: int) -> int:
        y = conv_case(filters=12)(b, rng, b.resize_nearest(x, 12, 12))
        mean = b.mean(y, keep_dims=True, axes=axes)
        factor = inverse_root(b, b.squared_difference(y, mean), axes)
        return joined(b, change(b, y), mean, factor, by_channels(rng))

    return build


def less_the_means_of_a_turned_map(b: ModelBuilder, rng: np.random.Generator, x: int) -> int:
    y = conv_case(filters=12)(b, rng, b.resize_nearest(x, 12, 12))
    mean = b.mean(y, keep_dims=True, axes=(3,))
    factor = inverse_root(b, b.squared_difference(y, mean), (3,))
    return b.binary("Mul", b.binary("Sub", to_nchw(b, y), mean), factor)


def by_the_factor_of_a_turned_map(b: ModelBuilder, rng: np.random.Generator, x: int) -> int:
    y = conv_case(filters=12)(b, rng, b.resize_nearest(x, 12, 12))
    differences, turned = b.binary("Sub", y, b.mean(y, keep_dims=True, axes=(3,))), to_nchw(b, y)
    mean = b.mean(turned, keep_dims=True, axes=(1,))
    factor = inverse_root(b, b.squared_difference(turned, mean), (1,))
    return to_nhwc(b, b.binary("Mul", differences, factor))


def two_scales(b: ModelBuilder, rng: np.random.Generator, x: int) -> int:
    x = conv_case(filters=12)(b, rng, x)
    mean = b.mean(x, keep_dims=True, axes=(3,))
    first, second = (factor_of(b, x, mean, by_channels(rng)) for _ in range(2))
    shift = b.binary("Sub", b.constant(by_channels(rng)), b.binary("Mul", mean, second))
    return conv_case()(b, rng, b.add(b.binary("Mul", x, first), shift))


def mixed_means(b: ModelBuilder, rng: np.random.Generator, x: int) -> int:
    """By the variance of channels of the differences from the mean of positions."""
    x = conv_case(filters=12)(b, rng, x)
    differences = b.binary("Sub", x, b.mean(x, keep_dims=True))
    return b.binary("Mul", differences, inverse_root(b, b.binary("Mul", differences, differences), (3,)))


def mixed_factor(b: ModelBuilder, rng: np.random.Generator, x: int) -> int:
    """Differences from the mean of positions, by the variance of channels."""
    x = conv_case(filters=12)(b, rng, x)
    of_channels = b.squared_difference(x, b.mean(x, keep_dims=True, axes=(3,)))
    differences = b.binary("Sub", x, b.mean(x, keep_dims=True))
    return b.binary("Mul", differences, inverse_root(b, of_channels, (3,)))


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
    "norm-of-mixed-means": mixed_means,
    "norm-by-a-mixed-factor": mixed_factor,
    "mean-less-its-map": lambda b, rng, x: b.binary(
        "Sub", b.mean(y := conv_case()(b, rng, x), keep_dims=True), y
    ),
    "squared-difference-from-another-mean": lambda b, rng, x: b.squared_difference(
        conv_case(filters=12)(b, rng, x), b.mean(x, keep_dims=True)
    ),
    "instance-norm-by-flat-means": lambda b, rng, x: conv_case(filters=5)(
        b,
        rng,
        by_other_means(
            b,
            conv_case(filters=12)(b, rng, b.slice(x, (0, 0, 0, 0), (2, 11, 2, 12))),
            lambda mean: b.reshape(mean, 2, 12),
        ),
    ),
    "instance-norm-by-padded-means": lambda b, rng, x: conv_case(filters=5)(
        b,
        rng,
        by_other_means(
            b,
            conv_case(filters=12)(b, rng, b.slice(x, (0, 0, 0, 0), (2, 3, 3, 12))),
            lambda mean: b.pad(mean, PAD_1),
        ),
    ),
    "instance-norm-of-a-padded-map": of_a_changed_map(lambda b, y: b.pad(y, PAD_1)),
    "instance-norm-of-a-turned-map": of_a_changed_map(to_nchw),
    "instance-norm-of-rows-as-columns": of_a_changed_map(lambda b, y: b.transpose(y, 0, 2, 1, 3)),
    "norm-of-a-turned-map": of_a_changed_map(to_nchw, (3,)),
    "norm-by-the-means-of-a-turned-map": less_the_means_of_a_turned_map,
    "norm-by-the-factor-of-a-turned-map": by_the_factor_of_a_turned_map,
    "norm-by-two-scales": two_scales,
    "norm-of-flattened-maps": lambda b, rng, x: spelled_out(
        b, b.reshape(conv_case()(b, rng, x), 2, 2860), (1,)
    ),
    "norm-whose-shift-is-turned": turned_shift,
    "norm-of-clipped-parts": with_activations(clip=RELU),
}
