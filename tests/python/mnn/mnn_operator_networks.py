"""Operators without weights between two sparse convolutions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from onnx_network import Network

Between = Callable[[Network, str], tuple[str, int]]  # made of a map of 16 x 11 x 9; and its channels
BETWEEN: dict[str, Between] = {}  # all of it is ours
LEFT: dict[str, Between] = {}  # at least a part of it is MNN's


def between(build: Between, images: int) -> tuple[Network, str]:
    net = Network((images, 16, 11, 9))
    y, channels = build(net, net.relu(net.conv("x", 16, 16)))
    return net, net.conv(y, channels, 12)


def binary(kind: str, *shape: int, first: bool = False, activation: bool = False) -> Between:
    """With a constant of that shape; first: before the map."""

    def build(net: Network, x: str) -> tuple[str, int]:
        values = net.rng.uniform(0.5, 2, shape).astype(np.float32) * (-1) ** net.rng.integers(2, size=shape)
        constant = net.constant(values.astype(np.float32))
        y = net.op(kind, constant, x) if first else net.op(kind, x, constant)
        return (net.relu(y) if activation else y), 16

    return build


for kind in ("Add", "Sub", "Mul", "Div"):
    BETWEEN[f"{kind}-channels"] = binary(kind, 1, 16, 1, 1)
    BETWEEN[f"{kind}-channels-relu"] = binary(kind, 16, 1, 1, activation=True)
    BETWEEN[f"{kind}-scalar"] = binary(kind)
BETWEEN["constant-minus-channels"] = binary("Sub", 1, 16, 1, 1, first=True)
BETWEEN["constant-minus-scalar"] = binary("Sub", first=True, activation=True)
LEFT["by-rows"] = binary("Mul", 1, 1, 11, 1)
LEFT["by-columns"] = binary("Add", 9)
LEFT["by-a-whole-map"] = binary("Mul", 16, 11, 9)


def of(kind: str, channels: int = 16, **attributes: Any) -> Between:
    return lambda net, x: (net.op(kind, x, **attributes), channels)


def prelu(*shape: int) -> Between:
    return lambda net, x: (net.op("PRelu", net.conv(x, 16, 16), net.constant(slopes(net, *shape))), 16)


def slopes(net: Network, *shape: int) -> np.ndarray:
    return net.rng.uniform(-0.5, 0.5, shape).astype(np.float32)


def normalised(net: Network, x: str) -> tuple[str, int]:
    return net.relu(net.batch_norm(x, 16)), 16


def difference(net: Network, x: str) -> tuple[str, int]:
    return net.relu(net.op("Sub", x, net.op("Tanh", x))), 16


def theirs_minus_ours(net: Network, x: str) -> tuple[str, int]:
    """Ours is read for the last time before theirs is brought here."""
    return net.op("Sub", net.op("Sin", x), net.conv(x, 16, 16)), 16


def computed_scales(net: Network, x: str) -> tuple[str, int]:
    """No constants, though of their shapes."""
    scale = net.op("Sigmoid", net.op("GlobalAveragePool", x))
    return net.op("Add", net.op("Mul", scale, x), scale), 16


def gelu(net: Network, x: str) -> tuple[str, int]:
    y = net.conv(x, 16, 16)
    erf = net.op("Erf", net.op("Div", y, net.constant(np.array(2**0.5, np.float32))))
    product = net.op("Mul", y, net.op("Add", erf, net.constant(np.array(1, np.float32))))
    return net.op("Mul", product, net.constant(np.array(0.5, np.float32))), 16


def clipped(low: float, high: float) -> Between:
    return lambda net, x: (net.clip(net.conv(x, 16, 16), low, high), 16)


def pooled_same(size: int, stride: int) -> Between:
    return of("MaxPool", kernel_shape=[size] * 2, strides=[stride] * 2, auto_pad="SAME_UPPER")


LEFT["clipped-between-others"] = clipped(-0.5, 0.75)
LEFT["constant-over-channels"] = lambda net, x: (
    net.op("Div", net.by_channel(16), net.op("Sigmoid", x)),
    16,
)
LEFT["mean-of-zeros-behind"] = lambda net, x: (  # MNN does not count them
    net.pool(x, "AveragePool", size=3, stride=2, pads=(0, 0, 2, 2), zeros=True),
    16,
)
BETWEEN |= {
    "gelu": gelu,
    "clipped-0-1": clipped(0, 1),
    "clipped-minus-1-1": clipped(-1, 1),
    "hard-sigmoid": lambda net, x: (net.op("HardSigmoid", net.conv(x, 16, 16), alpha=0.3), 16),
    "normalised": normalised,
    "prelu": prelu(16),
    "prelu-of-one-slope": prelu(1),
    "difference": difference,
    "computed-scales": computed_scales,
    "mean": lambda net, x: (net.pool(x, "AveragePool", size=3, stride=1, pad=1), 16),
    "mean-with-zeros": lambda net, x: (net.pool(x, "AveragePool", size=3, stride=1, pad=1, zeros=True), 16),
    "mean-with-zeros-stride-2": lambda net, x: (
        net.pool(x, "AveragePool", size=3, stride=2, pad=1, zeros=True),
        16,
    ),
    "mean-at-odd-sizes": lambda net, x: (
        net.pool(x, "AveragePool", size=3, stride=2, pads=(0, 0, 1, 1), zeros=True),
        16,
    ),
    "pooled-unevenly": lambda net, x: (net.pool(x, size=3, stride=1, pads=(2, 0, 0, 2)), 16),
    "pooled-same": pooled_same(3, 2),
    "pooled-same-from-the-first-cell": pooled_same(1, 4),
}


def cross_stage(net: Network, x: str) -> tuple[str, int]:
    """As YOLOv8 has it: both halves of a map beside what is made of the second one."""
    first, second = net.slice(x, 0, 6), net.slice(x, 6, 16)
    made = net.op("Add", second, net.conv(second, 10, 10))
    return net.op("Concat", first, second, made, axis=1), 26


def reshaped(net: Network, x: str, *shape: int) -> str:
    """shape: of an image."""
    return net.op("Reshape", x, net.constant(np.array((net.shape[0], *shape), np.int64)))


def shuffled(net: Network, x: str, groups: int = 2) -> tuple[str, int]:
    y = net.op("Transpose", reshaped(net, x, groups, 16 // groups, 11, 9), perm=[0, 2, 1, 3, 4])
    return reshaped(net, y, 16, 11, 9), 16


def shuffled_pair(net: Network, x: str) -> tuple[str, int]:
    """As ShuffleNetV2 has it: channels of two maps in turn, then a half of them."""
    y = net.op("Concat", x, net.conv(x, 16, 16), axis=1)
    y = net.op("Transpose", reshaped(net, y, 2, 16, 11, 9), perm=[0, 2, 1, 3, 4])
    y = reshaped(net, y, 32, 11, 9)
    return net.op("Concat", net.slice(y, 16, 32), net.conv(net.slice(y, 0, 16), 16, 16), axis=1), 32


def cropped(net: Network, x: str) -> tuple[str, int]:
    return net.slice(net.slice(x, 1, 10, axis=2), 2, 8, axis=3), 16


def cropped_and_padded(net: Network, x: str) -> tuple[str, int]:
    """As NASNet has it, which moves an image by a row and a column."""
    return net.relu(net.pad(cropped(net, x)[0], (0, 0, 1, 0, 0, 0, 1, 1))), 16


def every_second(net: Network, x: str) -> tuple[str, int]:
    return net.slice(net.slice(x, 0, 11, 2, 2), 0, 9, 3, 2), 16


BETWEEN |= {
    "cross-stage": cross_stage,
    "reversed-halves": lambda net, x: (
        net.op("Concat", net.slice(x, 7, 16), net.slice(x, 0, 7), axis=1),
        16,
    ),
    "every-third-channel": lambda net, x: (net.slice(x, 1, 16, step=3), 5),
    "shuffled": shuffled,
    "shuffled-pair": shuffled_pair,
    "cropped": cropped,
    "cropped-and-padded": cropped_and_padded,
    "every-second": every_second,
    "depth-to-space": of("DepthToSpace", 4, blocksize=2),
    "depth-to-space-CRD": of("DepthToSpace", 4, blocksize=2, mode="CRD"),
}
LEFT |= {
    "shuffled-pair-of-images": shuffled_pair,  # MNN makes a tensor of five dimensions between
    "transposed": lambda net, x: (net.op("Transpose", x, perm=[0, 1, 3, 2]), 16),
    "rows-joined": lambda net, x: (net.op("Concat", x, net.op("Tanh", x), axis=2), 16),
    "flattened": lambda net, x: (reshaped(net, x, 11, 9, 16), 11),
    "difference-of-theirs-and-ours": theirs_minus_ours,
    "images-in-turn": lambda net, x: (net.slice(net.op("Concat", x, x, axis=0), 1, 3, axis=0), 16),
}


def resized(mode: str, transformation: str, rows: float, columns: float) -> Between:
    options = {"mode": mode, "coordinate_transformation_mode": transformation}
    return lambda net, x: (net.resize(x, rows, columns, **options), 16)


for transformation in ("asymmetric", "half_pixel", "align_corners", "pytorch_half_pixel"):
    for rows, columns in ((2, 2), (1.5, 2.25), (0.5, 0.7), (3, 1)):
        case = f"{transformation}-{rows}-{columns}"
        BETWEEN[f"bilinear-{case}"] = resized("linear", transformation, rows, columns)
        BETWEEN[f"nearest-{case}"] = resized("nearest", transformation, rows, columns)
BETWEEN["nearest-rounded"] = lambda net, x: (
    net.resize(
        x,
        1.5,
        2.25,
        coordinate_transformation_mode="half_pixel",
        nearest_mode="round_prefer_floor",
    ),
    16,
)
LEFT["cubic"] = resized("cubic", "half_pixel", 2, 2)

ONE_IMAGE = {"shuffled-pair"}
OPERATORS = {
    name: partial(between, build, 1 if name in ONE_IMAGE else 2) for name, build in (BETWEEN | LEFT).items()
}
