"""Operators that move data, as computing_cases.py has those that compute."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .builder import RELU, VALID, ModelBuilder
from .computing_cases import Case, conv_case, padded
from .networks import PAD_1
from .weights import bias_of, pattern_weights

MOVING: dict[str, Case] = {}


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


def shuffled(b: ModelBuilder, x: int, groups: int) -> int:
    n, h, w, c = b.shape(x)
    y = b.transpose(b.reshape(x, n, h, w, groups, c // groups), 0, 1, 2, 4, 3)
    return b.reshape(y, n, h, w, c)


def shuffled_nchw(b: ModelBuilder, x: int, groups: int) -> int:
    n, c, h, w = b.shape(x)
    y = b.transpose(b.reshape(x, n, groups, c // groups, h, w), 0, 2, 1, 3, 4)
    return b.reshape(y, n, c, h, w)


def pixel_shuffled(b: ModelBuilder, x: int, block: int) -> int:
    """As onnx2tf has PyTorch's PixelShuffle: of the channels, the offsets in a block change fastest."""
    n, h, w, c = b.shape(x)
    y = b.reshape(x, n, h, w, c // block**2, block, block)
    return b.reshape(b.transpose(y, 0, 1, 4, 2, 5, 3), n, h * block, w * block, c // block**2)


def cross_stage(b: ModelBuilder, rng: np.random.Generator, x: int) -> int:
    """As YOLOv8 has it: both halves of a map beside what is made of the second one."""
    first, second = b.split(conv_case()(b, rng, x), 2)
    made = b.conv(second, pattern_weights(rng, 10, 3, 10), bias_of(rng, 10), activation=RELU)
    return b.concatenate(first, second, b.add(second, made))


def channels_first(*steps: Callable[[ModelBuilder, np.random.Generator, int], int]) -> Case:
    """A convolution, its maps as NCHW through these steps, and a convolution of what comes out."""

    def build(b: ModelBuilder, rng: np.random.Generator, x: int) -> int:
        y = to_nchw(b, conv_case(filters=12)(b, rng, x))
        for step in steps:
            y = step(b, rng, y)
        return conv_case()(b, rng, to_nhwc(b, y))

    return build


def by_planes(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(12, 1, 1)).astype("f")


MOVING |= {
    "nchw-sums": channels_first(
        lambda b, rng, y: b.add(y, b.unary("TANH", y)), lambda b, rng, y: b.binary("Mul", y, y)
    ),
    "nchw-constants": channels_first(
        lambda b, rng, y: b.binary("Mul", y, b.constant(by_planes(rng)), activation=RELU),
        lambda b, rng, y: b.binary("Sub", b.constant(by_planes(rng).reshape(1, 12, 1, 1)), y),
        lambda b, rng, y: b.binary("Add", y, b.constant(np.array(0.3, np.float32))),
    ),
    "nchw-curves": channels_first(
        lambda b, rng, y: b.prelu(y, by_planes(rng)), lambda b, rng, y: b.leaky_relu(y, 0.2),
        lambda b, rng, y: b.gelu(y), lambda b, rng, y: b.unary("RELU6", y),
    ),
    "nchw-mean": lambda b, rng, x: b.unary("RELU", b.mean(to_nchw(b, x), keep_dims=False, axes=(2, 3))),
    "nchw-gates": channels_first(
        lambda b, rng, y: b.binary("Mul", y, b.unary("LOGISTIC", b.mean(y, keep_dims=True, axes=(-1, -2))))
    ),
    "nchw-times-one-channel": channels_first(
        lambda b, rng, y: b.binary("Mul", b.unary("LOGISTIC", b.slice(y, (0, 3, 0, 0), (-1, 1, -1, -1))), y)
    ),
    "nchw-rows-times-columns": channels_first(
        lambda b, rng, y: b.binary(
            "Mul", b.slice(y, (0, 0, 3, 0), (-1, -1, 1, -1)), b.slice(y, (0, 0, 0, 5), (-1, -1, -1, 1))
        )
    ),
    "nchw-halves": channels_first(
        lambda b, rng, y: b.concatenate(
            b.add(*b.split(y, 2, axis=1)), b.slice(y, (0, 6, 0, 0), (-1, 6, -1, -1)), axis=1
        )
    ),
    "nchw-pad": lambda b, rng, x: b.unary(
        "RELU", to_nhwc(b, b.pad(to_nchw(b, x), ((0, 0), (0, 0), (1, 2), (0, 4))))
    ),
    "nchw-pad-folded": lambda b, rng, x: conv_case(padding=VALID)(
        b, rng, to_nhwc(b, b.pad(to_nchw(b, x), ((0, 0), (0, 0), (1, 0), (0, 2))))
    ),
    "pad-then-nchw": lambda b, rng, x: to_nhwc(b, b.unary("RELU", to_nchw(b, b.pad(x, PAD_1)))),
    "nchw-mirror-pad": channels_first(
        lambda b, rng, y: b.mirror_pad(y, ((0, 0), (0, 0), (1, 0), (0, 2)), symmetric=True)
    ),
    "split": lambda b, rng, x: b.concatenate(*b.split(x, 3)[::-1]),
    "split-and-join": lambda b, rng, x: b.concatenate(*b.split(b.unary("RELU", x), 4), x),
    "split-by-the-last-axis": lambda b, rng, x: b.unary("RELU", b.split(x, 2, axis=3)[1]),
    "split-vectors": lambda b, rng, x: b.unary("RELU", b.split(b.mean(x, keep_dims=False), 2)[1]),
    "split-unevenly": lambda b, rng, x: b.concatenate(*b.split_unevenly(x, 3, -1, 4)[::-1], axis=3),
    "cross-stage": cross_stage,
    "slice": lambda b, rng, x: b.unary("RELU", b.slice(x, (0, 0, 0, 5), (-1, -1, -1, 4))),
    "slice-of-a-window": lambda b, rng, x: b.slice(x, (0, 2, 1, 3), (2, 7, 12, -1)),
    "slice-of-vectors": lambda b, rng, x: b.slice(b.mean(x, keep_dims=False), (0, 4), (-1, 8)),
    "strided-slice": lambda b, rng, x: b.strided_slice(
        x, slice(None), slice(None), slice(None), slice(2, -3)
    ),
    "focus": lambda b, rng, x: b.concatenate(
        *(b.strided_slice(x, slice(None), slice(i, 10, 2), slice(j, 12, 2), slice(None))
          for i, j in ((0, 0), (1, 0), (0, 1), (1, 1)))
    ),
    "every-third": lambda b, rng, x: b.strided_slice(
        x, slice(None), slice(None, None, 3), slice(-7, None, 3), slice(1, 100, 3)
    ),
    "shuffle": lambda b, rng, x: conv_case()(b, rng, shuffled(b, x, 3)),
    "shuffle-of-nchw": lambda b, rng, x: conv_case()(b, rng, to_nhwc(b, shuffled_nchw(b, to_nchw(b, x), 4))),
    "shuffle-and-split-nchw": lambda b, rng, x: b.concatenate(
        *(to_nhwc(b, part) for part in b.split(shuffled_nchw(b, to_nchw(b, x), 3), 2, axis=1))
    ),
    "slices-of-nchw": lambda b, rng, x: b.concatenate(
        to_nhwc(b, b.slice(to_nchw(b, x), (0, 2, 0, 0), (2, 7, 11, 13))),
        to_nhwc(b, b.strided_slice(to_nchw(b, x), slice(None), slice(5, None, 2), slice(None), slice(None))),
    ),
    "window-of-nchw": lambda b, rng, x: to_nhwc(
        b, b.strided_slice(to_nchw(b, x), slice(None), slice(3, 7), slice(1, 9, 2), slice(None, -2))
    ),
    "split-unevenly-nchw": lambda b, rng, x: to_nhwc(b, b.split_unevenly(to_nchw(b, x), 7, 5, axis=-3)[0]),
    "pixel-shuffle": lambda b, rng, x: b.unary("RELU", pixel_shuffled(b, x, 2)),
    "pixel-shuffle-of-nchw": lambda b, rng, x: to_nhwc(
        b,
        b.reshape(
            b.transpose(b.reshape(to_nchw(b, x), 2, 3, 2, 2, 11, 13), 0, 1, 4, 2, 5, 3), 2, 3, 22, 26
        ),
    ),
    "reversed-axes-and-back": lambda b, rng, x: b.unary(
        "RELU", b.transpose(b.transpose(x, 3, 2, 1, 0), 3, 2, 1, 0)
    ),
    "shuffle-and-split": lambda b, rng, x: b.concatenate(
        *b.split(shuffled(b, b.concatenate(x, conv_case()(b, rng, x)), 2), 4)[1:3]
    ),
    "depth-to-space": lambda b, rng, x: b.depth_to_space(x, 2),
    "depth-to-space-by-3": lambda b, rng, x: b.unary(
        "RELU", b.depth_to_space(conv_case(filters=18)(b, rng, x), 3)
    ),
    "pad-before-average-pool": lambda b, rng, x: b.pool(b.pad(x, PAD_1), "AVERAGE", 3),
    "pad-before-average-pool-of-no-negatives": lambda b, rng, x: b.pool(
        b.pad(b.unary("RELU", x), PAD_1), "AVERAGE", 3
    ),
    "pad-before-max-pool": lambda b, rng, x: b.pool(b.pad(x, PAD_1), "MAX", 3),
    "pad-before-max-pool-of-a-concatenation": lambda b, rng, x: b.pool(
        b.pad(b.concatenate(b.unary("RELU", x), x), PAD_1), "MAX", 3
    ),
    "pad-at-the-end": lambda b, rng, x: b.pad(conv_case()(b, rng, x), PAD_1),
    "pad-and-then-pad": lambda b, rng, x: conv_case()(b, rng, b.pad(b.pad(x, PAD_1), PAD_1)),
    "pad-for-two": lambda b, rng, x: b.add(
        b.pool(y := b.pad(x, PAD_1), "MAX", 3), conv_case(filters=12, padding=VALID)(b, rng, y)
    ),
    "pad-beyond-the-kernel": conv_case(kernel=1, before=padded(PAD_1)),
    "mirror-pad": lambda b, rng, x: b.mirror_pad(x, ((0, 0), (1, 3), (2, 0), (0, 0))),
    "mirror-pad-of-most": lambda b, rng, x: b.mirror_pad(x, ((0, 0), (10, 10), (12, 12), (0, 0))),
    "mirror-pad-with-edges": lambda b, rng, x: conv_case(padding=VALID)(
        b, rng, b.mirror_pad(b.unary("RELU", x), ((0, 0), (1, 11), (13, 2), (0, 0)), symmetric=True)
    ),
    "concatenate-padded": lambda b, rng, x: b.concatenate(b.pad(x, PAD_1), b.pad(x, PAD_1)),
    "resize-padded": lambda b, rng, x: b.resize_nearest(b.pad(x, PAD_1), 20, 20),
    "keras-upsampling": lambda b, rng, x: keras_upsampling(b, x, 2, 3),
    "keras-upsampling-rows": lambda b, rng, x: b.reshape(
        b.tile(b.reshape(x, 2, 11, 1, 13, 12), 1, 1, 4, 1, 1), 2, 44, 13, 12
    ),
    "keras-upsampling-of-one-column": lambda b, rng, x: keras_upsampling(b, b.resize_nearest(x, 5, 1), 2, 2),
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
}  # fmt: skip
MOVING["resize-by-corners-and-half-pixels"] = lambda b, rng, x: b.resize_nearest(
    x, 7, 9, align_corners=True, half_pixels=True
)
for height, width in ((22, 26), (17, 40), (5, 6), (11, 13), (1, 1), (33, 1)):
    for options in ({}, {"align_corners": True}, {"half_pixels": True}):
        MOVING[f"resize-{height}-{width}-{''.join(options)}"] = (
            lambda b, rng, x, size=(height, width), options=options: b.resize_nearest(x, *size, **options)
        )
        MOVING[f"bilinear-{height}-{width}-{''.join(options)}"] = (
            lambda b, rng, x, size=(height, width), options=options: b.resize("Bilinear", x, *size, **options)
        )
