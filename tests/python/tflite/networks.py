"""Small networks for the tests."""

from __future__ import annotations

from collections.abc import Callable

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from .builder import NONE, RELU, RELU6, SAME, VALID, ModelBuilder
from .weights import bias_of, depthwise_weights, pattern_weights

PAD_1 = ((0, 0), (1, 1), (1, 1), (0, 0))
LOWEST = float(np.finfo(np.float32).min)


def residual_network(
    rng: np.random.Generator, *, batch: int = 1, middle: str | None = None, head: bool = True, size: int = 24,
    builder: type[ModelBuilder] = ModelBuilder,
) -> bytes:  # fmt: skip
    """ResNet in small: PAD + VALID strides, PADV2 + max pooling, residuals, MEAN, FULLY_CONNECTED.

    middle: an operator that the delegate does not know, between the two halves.
    head: without it the network ends in a map and takes images of any size.
    builder: how weights are stored.
    """
    b = builder()
    x = b.input(batch, size, size, 3)
    y = _conv(b, rng, b.pad(x, PAD_1), 16, 2, VALID, RELU)
    y = b.pool(b.pad(y, PAD_1, LOWEST), "MAX", 3, stride=2, padding=VALID)
    y = _block(b, rng, y)
    if middle:
        y = b.unary(middle, y)
    shortcut = _conv(b, rng, y, 32, 2, SAME, NONE, size=1)
    z = _conv(b, rng, b.pad(y, PAD_1), 32, 2, VALID, RELU)
    y = _block(b, rng, b.add(_conv(b, rng, z, 32, 1, SAME, NONE), shortcut, activation=RELU6))
    if not head:
        return b.build(y)
    y = b.squeeze(b.mean(y, keep_dims=True))
    weights = rng.normal(size=(10, 32)).astype(np.float32)
    return b.build(b.fully_connected(y, weights, bias_of(rng, 10)))


def denoiser(rng: np.random.Generator, middle: str, size: int) -> bytes:
    """The image and what a sparse network finds to add to it; `middle`: as in residual_network."""
    b = ModelBuilder()
    x = b.input(1, size, size, 3)
    y = b.conv(x, pattern_weights(rng, 32, 3, 3), bias_of(rng, 32), activation=RELU)
    y = b.unary(middle, b.conv(y, pattern_weights(rng, 32, 3, 32, kept=0.2), bias_of(rng, 32)))
    y = b.conv(y, pattern_weights(rng, 32, 3, 32, kept=0.2), bias_of(rng, 32), activation=RELU)
    return b.build(b.add(b.conv(y, pattern_weights(rng, 3, 3, 32), bias_of(rng, 3)), x))


def branching_network(rng: np.random.Generator, *, size: int = 24, classes: int = 0) -> bytes:
    """Inception, DenseNet and U-Net in small: branches that meet in concatenations, two scales.

    classes: how many a head with a softmax tells apart; 0: the network ends in a map.
    """
    b = ModelBuilder()
    x = _conv(b, rng, b.input(1, size, size, 3), 16, 1, SAME, RELU)
    y = b.pool(b.pad(x, PAD_1, LOWEST), "MAX", 3, stride=2, padding=VALID)
    branches = [_conv(b, rng, y, 8, 1, SAME, RELU, kernel) for kernel in (1, 3, 5)]
    branches.append(b.pool(y, "AVERAGE", 3, padding=SAME))
    y = b.concatenate(*branches)
    y = b.concatenate(y, b.leaky_relu(_conv(b, rng, y, 12, 1, SAME, NONE), 0.1))
    y = b.concatenate(branches[1], b.unary("HARD_SWISH", _conv(b, rng, y, 12, 1, SAME, NONE)))
    if not classes:
        y = b.resize_nearest(y, size, size)
        return b.build(_conv(b, rng, b.concatenate(y, x), 5, 1, SAME, NONE), y)
    y = b.mean(y, keep_dims=True)
    y = b.concatenate(y, b.mean(x, keep_dims=True))
    y = b.reshape(y, -1, b.shape(y)[3])
    weights = rng.normal(size=(classes, b.shape(y)[1])).astype(np.float32)
    return b.build(b.softmax(b.fully_connected(y, weights, bias_of(rng, classes))))


def mobile_network(
    rng: np.random.Generator, *, taps: int = 4, kept: float = 0.25, size: int = 24,
    builder: type[ModelBuilder] = ModelBuilder,
) -> bytes:  # fmt: skip
    """MobileNetV2 in small: inverted residuals, then two FULLY_CONNECTED on the whole map."""
    b = builder()
    x = _conv(b, rng, b.input(1, size, size, 3), 16, 2, SAME, RELU6)
    x = _inverted_residual(b, rng, x, 16, 1, taps, kept)
    x = _inverted_residual(b, rng, x, 24, 2, taps, kept)
    x = _inverted_residual(b, rng, x, 24, 1, taps, kept)
    for units, left in ((64, 0.1), (10, 1.0)):
        depth = int(np.prod(b.shape(x)[1:]))
        weights = rng.normal(size=(units, depth)) * (rng.random((units, depth)) < left)
        x = b.fully_connected(
            b.reshape(x, 1, depth), weights.astype(np.float32), bias_of(rng, units), activation=RELU
        )
    return b.build(x)


def convolution(
    rng: np.random.Generator,
    make: Callable[[np.random.Generator, int, int, int], np.ndarray] = pattern_weights,
) -> bytes:
    """A single 3x3 convolution, 32 to 32 channels on a 16 x 16 map."""
    b = ModelBuilder()
    x = b.input(1, 16, 16, 32)
    return b.build(b.conv(x, make(rng, 32, 3, 32), bias_of(rng, 32), activation=RELU))


def dense_weights(rng: np.random.Generator, filters: int, size: int, channels: int) -> np.ndarray:
    return rng.normal(size=(filters, size, size, channels)).astype(np.float32)


def joined(*models: bytes) -> bytes:
    """One model of all their graphs, in this order."""
    whole, *others = (unpacked(model) for model in models)
    for other in others:
        for graph in other.subgraphs:
            for tensor in graph.tensors:
                tensor.buffer += len(whole.buffers)
            for operator in graph.operators:
                operator.opcodeIndex += len(whole.operatorCodes)
        whole.subgraphs += other.subgraphs
        whole.buffers += other.buffers
        whole.operatorCodes += other.operatorCodes
    return packed(whole)


def variable(model: bytes, tensor: int) -> bytes:
    """An input made a variable of the model's."""
    opened = unpacked(model)
    (graph,) = opened.subgraphs
    graph.tensors[tensor].isVariable = True
    graph.inputs = [index for index in graph.inputs if index != tensor]
    return packed(opened)


def left_open(model: bytes) -> bytes:
    """The heights and widths of its maps left open, as converters write them: as 1."""
    opened = unpacked(model)
    for graph in opened.subgraphs:
        for tensor in graph.tensors:
            if tensor.buffer == 0 and len(tensor.shape) == 4:
                n, height, width, c = tensor.shape
                tensor.shape = [n, 1, 1, c]
                tensor.shapeSignature = [n, *(1 if size == 1 else -1 for size in (height, width)), c]
    return packed(opened)


def unpacked(model: bytes) -> schema.ModelT:
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(bytearray(model), 0))


def packed(model: schema.ModelT) -> bytes:
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _conv(
    b: ModelBuilder, rng: np.random.Generator, x: int, filters: int, stride: int, padding: int,
    activation: int, size: int = 3,
) -> int:  # fmt: skip
    weights = pattern_weights(rng, filters, size, b.shape(x)[3], taps=min(4, size * size))
    return b.conv(x, weights, bias_of(rng, filters), stride=stride, padding=padding, activation=activation)


def _inverted_residual(
    b: ModelBuilder, rng: np.random.Generator, x: int, filters: int, stride: int, taps: int, kept: float
) -> int:  # fmt: skip
    wide = 6 * b.shape(x)[3]
    weights = pattern_weights(rng, wide, 1, b.shape(x)[3], taps=1, kept=kept)
    y = b.conv(x, weights, bias_of(rng, wide), activation=RELU6)
    padding = SAME
    if stride == 2:
        y, padding = b.pad(y, PAD_1), VALID
    weights = depthwise_weights(rng, 3, wide, taps=taps)
    y = b.depthwise(y, weights, bias_of(rng, wide), stride=stride, padding=padding, activation=RELU6)
    weights = pattern_weights(rng, filters, 1, wide, taps=1, kept=kept)
    y = b.conv(y, weights, bias_of(rng, filters))
    return b.add(x, y) if b.shape(x) == b.shape(y) else y


def _block(b: ModelBuilder, rng: np.random.Generator, x: int) -> int:
    channels = b.shape(x)[3]
    y = _conv(b, rng, x, channels, 1, SAME, RELU)
    return b.unary("RELU", b.add(_conv(b, rng, y, channels, 1, SAME, NONE), x))
