"""Small networks, mostly of one layer, with planted sparsity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import numpy_helper
from onnx_network import Network, sparse_weights


def residual() -> tuple[Network, str]:
    """All in one: odd channel counts, strides, a residual, activations, 1x1 layers, a dense layer."""
    net = Network((1, 20, 17, 19))
    a = net.op("Relu", net.conv("x", 20, 24))
    b = net.relu6(net.conv(a, 24, 24))
    c = net.op("Relu", net.op("Add", a, net.conv(b, 24, 24)))
    d = net.conv(c, 24, 37, stride=2)
    e = net.conv(d, 37, 40, size=1, keep=0.1)
    f = net.op("Relu", net.conv(e, 40, 12, pads=(0, 0, 0, 0)))
    return net, net.conv_of(f, net.rng.standard_normal((5, 12, 1, 1), np.float32))


def single(
    shape: tuple[Any, ...], filters: int, activation: str | None = None, **options: Any
) -> Callable[[], tuple[Network, str]]:
    def build() -> tuple[Network, str]:
        net = Network(shape)
        y = net.conv("x", shape[1], filters, **options)
        if activation == "Relu6":
            y = net.relu6(y)
        elif activation:
            y = net.op(activation, y)
        return net, y

    return build


def batch_norm() -> tuple[Network, str]:
    net = Network((1, 16, 14, 14))
    y = net.relu(net.batch_norm(net.conv("x", 16, 32), 32))
    return net, net.batch_norm(net.conv(y, 32, 16, size=1, keep=0.2), 16)


def wide() -> tuple[Network, str]:
    """Layers whose weights are most of what a session holds."""
    net = Network((1, 256, 14, 14))
    y = "x"
    for _ in range(3):
        y = net.relu(net.conv(y, 256, 256, keep=0.28))
    return net, y


def dense() -> tuple[Network, str]:
    net = Network((1, 16, 12, 12))
    hidden = net.op("Relu", net.conv_of("x", net.rng.standard_normal((16, 16, 3, 3), np.float32)))
    return net, net.conv_of(hidden, net.rng.standard_normal((8, 16, 1, 1), np.float32))


def alternating() -> tuple[Network, str]:
    """Sparse and dense layers in turn: MNN reads what we wrote, 33 channels in blocks of 8."""
    net = Network((1, 40, 12, 12))
    y = "x"
    for _ in range(3):
        y = net.op("Relu", net.conv(y, 40, 33, keep=0.3))
        y = net.conv_of(y, net.rng.standard_normal((40, 33, 3, 3), np.float32) / np.float32(18))
    return net, y


def rows() -> tuple[Network, str]:
    """Linear layers over 64 rows, as a matrix product over tokens becomes."""
    net = Network((64, 256, 1, 1))
    return net, net.conv(net.relu(net.conv("x", 256, 256, size=1, keep=0.2)), 256, 256, size=1, keep=0.2)


def declined() -> tuple[Network, str]:
    """A dense convolution, and one with an infinite weight."""
    net = Network((1, 16, 12, 12))
    c = net.conv_of("x", net.rng.standard_normal((16, 16, 3, 3), np.float32))
    weights = sparse_weights(net.rng, (16, 16, 3, 3), 0.5)
    weights[0, 0, 0, 0] = np.inf
    return net, net.op("Relu", net.conv_of(c, weights))


def within_the_image() -> tuple[Network, ...]:
    """Strides longer than kernels, padded as "SAME": only MNN's windows begin within the image."""
    net = Network((1, 64, 15, 15))
    outputs = []
    for size, stride, group in ((1, 3, 1), (1, 5, 1), (2, 5, 1), (3, 5, 1), (1, 3, 64)):
        weights = sparse_weights(net.rng, (64, 64 // group, size, size), 0.1 if group == 1 else 1)
        net.weights.append(numpy_helper.from_array(weights, f"w{len(outputs)}"))
        outputs.append(
            net.op(
                "Conv",
                "x",
                f"w{len(outputs)}",
                kernel_shape=[size] * 2,
                strides=[stride] * 2,
                auto_pad="SAME_UPPER",
                group=group,
            )
        )
    return net, *outputs  # type: ignore[return-value]


NETWORKS: dict[str, Callable[[], tuple[Network, ...]]] = {
    "residual": residual,
    "dense": dense,
    "batch-norm": batch_norm,
    "wide": wide,
    "declined": declined,
    "rows": rows,
    "alternating": alternating,
    "within-the-image": within_the_image,
    "open-shape": single((1, 16, "height", "width"), 16),
    # Each a layer alone. Between them: fewer channels than a block, whole blocks, a block and a bit.
    "image": single((1, 3, 23, 21), 16, "Relu"),
    "few-filters": single((1, 16, 9, 40), 3),
    "whole-blocks": single((1, 32, 28, 28), 64, "Relu6"),
    "batch": single((3, 20, 15, 13), 20, "Relu"),
    "stride-2": single((1, 24, 15, 16), 32, stride=2),
    "stride-2-batch": single((2, 12, 16, 15), 20, "Relu6", stride=2),
    "no-padding": single((1, 16, 10, 11), 24, pads=(0, 0, 0, 0)),
    "wide-padding": single((1, 16, 6, 7), 24, pads=(3, 3, 3, 3)),
    "wider-than-the-window": single((1, 32, 13, 13), 64, pads=(4, 4, 4, 4)),
    "wider-in-rows": single((1, 16, 3, 15), 24, size=1, pads=(2, 5, 1, 6)),
    "1x1-stride-2-padding": single((1, 40, 14, 14), 24, size=1, keep=0.1, stride=2, pads=(0, 0, 1, 1)),
    "wide-dilation": single((1, 16, 15, 15), 24, dilation=6),
    "uneven-padding": single((1, 16, 14, 14), 24, stride=2, pads=(0, 0, 1, 1)),
    "dilation": single((1, 16, 20, 20), 16, dilation=2),
    "5x5": single((1, 8, 18, 18), 16, size=5, keep=0.2),
    "1x1": single((1, 64, 14, 14), 48, "Relu", size=1, keep=0.1),
    "1x1-stride-2": single((2, 40, 14, 13), 24, size=1, keep=0.1, stride=2),
    "one-position": single((1, 64, 1, 1), 32, size=1, keep=0.1),
    "grouped": single((1, 32, 12, 12), 32, group=2),  # MNN's converter makes two layers of it
    "groups-of-few": single((2, 12, 11, 10), 30, "Relu", group=6),
    "groups-of-one": single((1, 20, 9, 12), 40, keep=1, group=20),
    "groups-stride-2": single((1, 24, 13, 11), 32, "Relu6", stride=2, group=4),
    "all-zero": single((1, 16, 8, 8), 16, keep=1e-9),
    "depthwise": single((1, 20, 14, 15), 20, "Relu6", group=20),
    "depthwise-batch": single((3, 16, 9, 9), 16, "Relu", group=16),
    "depthwise-stride-2": single((1, 33, 15, 16), 33, stride=2, group=33),
    "depthwise-uneven-padding": single((1, 16, 14, 14), 16, stride=2, pads=(0, 0, 1, 1), group=16),
    "depthwise-5x5": single((1, 24, 12, 12), 24, size=5, keep=1, group=24),
}
