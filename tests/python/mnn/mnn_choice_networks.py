"""Networks whose layers show what the backend takes unasked."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from onnx_network import Network


def square(size: int, filters: int, keep: float = 1, stride: int = 1, hw: int = 28) -> tuple[Network, str]:
    """Two layers of whole kernels, of which a share `keep` remains."""
    net = Network((1, filters, hw, hw))
    y = "x"
    for _ in range(2):
        weights = net.rng.standard_normal((filters, filters, size, size), np.float32) / np.float32(size)
        weights *= net.rng.random((filters, filters, 1, 1)) < keep
        y = net.relu(net.conv_of(y, weights, stride))
    return net, y


def one_that_pays() -> tuple[Network, str]:
    """Of any size: a layer that pays, then two that do not even together, MNN's operators around them."""
    net = Network((1, 16, "height", "width"))
    y = net.op("Sin", net.relu(net.conv("x", 16, 32, keep=0.15)))
    y = net.relu(net.conv(y, 32, 48, size=1, keep=0.2))
    y = net.conv_of(y, net.rng.standard_normal((48, 48, 1, 1), np.float32) / np.float32(10))
    return net, net.op("Sin", y)


def run_that_pays() -> tuple[Network, str]:
    """No layer saves as much as it costs to bring its tensors here and back."""
    net = Network((1, 24, 28, 28))
    y = net.op("Sin", "x")
    for _ in range(4):
        z = net.relu6(net.conv(y, 24, 96, size=1, keep=0.25))
        y = net.op("Add", y, net.conv(z, 96, 24, size=1, keep=0.25))
    return net, net.op("Sin", y)


CHOICES: dict[str, Callable[[], tuple[Network, str]]] = {
    "sparse-3x3": partial(square, 3, 64, 0.6),
    "sparse-5x5": partial(square, 5, 48, 0.4),
    "sparser-5x5": partial(square, 5, 48, 0.1),
    "sparse-7x7": partial(square, 7, 32, 0.6),
    "sparse-5x5-stride-2": partial(square, 5, 48, 0.4, 2),
    "sparse-3x3-of-8": partial(square, 3, 64, 0.4, hw=8),
    "sparse-fc-of-256": partial(square, 1, 256, 0.25, hw=1),
    "sparse-fc-of-1024": partial(square, 1, 1024, 0.25, hw=1),
    "one-that-pays": one_that_pays,
    "run-that-pays": run_that_pays,
    "dense-5x5": partial(square, 5, 32),
    "dense-3x3-stride-2": partial(square, 3, 32, stride=2),
}
