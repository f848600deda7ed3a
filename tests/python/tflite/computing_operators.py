"""Operators that compute."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from .model_file import NONE, SAME, VALID, ModelFile

Both = int | tuple[int, int]  # of rows and of columns


class ComputingOperators(ModelFile):
    def conv(
        self, x: int, weights: np.ndarray | int, bias: np.ndarray | int, *, stride: Both = 1,
        dilation: Both = 1, padding: int = SAME, activation: int = NONE, dtype: Any = np.float32,
    ) -> int:  # fmt: skip
        """weights: (O, H, W, I), or the tensor that holds them."""
        options = schema.Conv2DOptionsT()
        options.padding, options.fusedActivationFunction = padding, activation
        options.strideH, options.strideW = _both(stride)
        options.dilationHFactor, options.dilationWFactor = _both(dilation)
        tensor = weights if isinstance(weights, int) else self.constant(weights)
        filters, kh, kw, _ = self.shape(tensor)
        n, h, w, _ = self.shape(x)
        shape = (
            n, _slide(h, kh, options.strideH, options.dilationHFactor, padding),
            _slide(w, kw, options.strideW, options.dilationWFactor, padding), filters,
        )  # fmt: skip
        inputs = [x, tensor, bias if isinstance(bias, int) else self.constant(bias)]
        return self._operator("CONV_2D", inputs, shape, "Conv2DOptions", options, dtype)

    def depthwise(
        self, x: int, weights: np.ndarray, bias: np.ndarray, *, stride: Both = 1,
        dilation: Both = 1, padding: int = SAME, activation: int = NONE,
    ) -> int:  # fmt: skip
        """weights: (1, H, W, C), or a multiple of C."""
        options = schema.DepthwiseConv2DOptionsT()
        options.padding, options.fusedActivationFunction = padding, activation
        options.strideH, options.strideW = _both(stride)
        options.dilationHFactor, options.dilationWFactor = _both(dilation)
        n, h, w, c = self.shape(x)
        _, kh, kw, filters = weights.shape
        options.depthMultiplier = filters // c
        shape = (
            n,
            _slide(h, kh, options.strideH, options.dilationHFactor, padding),
            _slide(w, kw, options.strideW, options.dilationWFactor, padding),
            filters,
        )
        inputs = [x, self.constant(weights), self.constant(bias)]
        return self._operator("DEPTHWISE_CONV_2D", inputs, shape, "DepthwiseConv2DOptions", options)

    def transpose_conv(
        self, x: int, weights: np.ndarray, bias: np.ndarray | None = None, *, stride: int = 2,
        size: tuple[int, int] | None = None, padding: int = SAME, activation: int = NONE,
    ) -> int:  # fmt: skip
        """weights: (O, H, W, I). size: of the output; as large as it may be, unless given."""
        options = schema.TransposeConvOptionsT()
        options.padding, options.fusedActivationFunction = padding, activation
        options.strideH = options.strideW = stride
        n, h, w, _ = self.shape(x)
        filters, kh, kw, _ = weights.shape
        valid = ((h - 1) * stride + kh, (w - 1) * stride + kw)
        shape = (n, *(size or ((h * stride, w * stride) if padding == SAME else valid)), filters)
        inputs = [self.constant(np.array(shape, np.int32)), self.constant(weights), x]
        version = 4 if activation else 3 if bias is not None else 1
        if bias is not None:
            inputs.append(self.constant(bias))
        return self._operators(
            "TRANSPOSE_CONV", inputs, [shape], "TransposeConvOptions", options, version=version
        )[0]

    def fully_connected(
        self,
        x: int,
        weights: np.ndarray,
        bias: np.ndarray | None,
        *,
        activation: int = NONE,
        keep_dims: bool = False,
    ) -> int:
        """weights: (units, depth)."""
        options = schema.FullyConnectedOptionsT()
        options.fusedActivationFunction, options.keepNumDims = activation, keep_dims
        units, depth = weights.shape
        rows = int(np.prod(self.shape(x))) // depth
        shape = (*self.shape(x)[:-1], units) if keep_dims else (rows, units)
        inputs = [x, self.constant(weights), -1 if bias is None else self.constant(bias)]
        return self._operator("FULLY_CONNECTED", inputs, shape, "FullyConnectedOptions", options)

    def pool(
        self, x: int, kind: str, size: Both, *, stride: Both = 1,
        padding: int = VALID, activation: int = NONE,
    ) -> int:  # fmt: skip
        """kind: "MAX" or "AVERAGE"."""
        options = schema.Pool2DOptionsT()
        options.padding, options.fusedActivationFunction = padding, activation
        options.strideH, options.strideW = _both(stride)
        options.filterHeight, options.filterWidth = _both(size)
        n, h, w, c = self.shape(x)
        shape = (
            n, _slide(h, options.filterHeight, options.strideH, 1, padding),
            _slide(w, options.filterWidth, options.strideW, 1, padding), c,
        )  # fmt: skip
        return self._operator(f"{kind}_POOL_2D", [x], shape, "Pool2DOptions", options)

    def add(self, a: int, b: int, *, activation: int = NONE) -> int:
        return self.binary("Add", a, b, activation=activation)

    def binary(self, name: str, a: int, b: int, *, activation: int = NONE) -> int:
        """name: "Add", "Sub", "Mul" or "Div"."""
        options = getattr(schema, f"{name}OptionsT")()
        options.fusedActivationFunction = activation
        shape = np.broadcast_shapes(self.shape(a), self.shape(b))
        return self._operator(name.upper(), [a, b], shape, f"{name}Options", options)

    def squared_difference(self, a: int, b: int) -> int:
        return self._operator("SQUARED_DIFFERENCE", [a, b], np.broadcast_shapes(self.shape(a), self.shape(b)))

    def unary(self, name: str, x: int) -> int:
        """RELU, RELU6, TANH, ..."""
        return self._operator(name, [x], self.shape(x))

    def gelu(self, x: int, *, approximate: bool = False) -> int:
        options = schema.GeluOptionsT()
        options.approximate = approximate
        return self._operator("GELU", [x], self.shape(x), "GeluOptions", options)

    def leaky_relu(self, x: int, alpha: float) -> int:
        options = schema.LeakyReluOptionsT()
        options.alpha = alpha
        return self._operator("LEAKY_RELU", [x], self.shape(x), "LeakyReluOptions", options)

    def prelu(self, x: int, slopes: np.ndarray) -> int:
        return self._operator("PRELU", [x, self.constant(slopes)], self.shape(x))

    def mean(self, x: int, *, keep_dims: bool, axes: tuple[int, ...] = (1, 2)) -> int:
        options = schema.ReducerOptionsT()
        options.keepDims = keep_dims
        shape = self.shape(x)
        gone = [axis % len(shape) for axis in axes]
        sizes = [1 if axis in gone else size for axis, size in enumerate(shape)]
        left = sizes if keep_dims else [size for axis, size in enumerate(shape) if axis not in gone]
        inputs = [x, self.constant(np.array(axes, np.int32))]
        return self._operator("MEAN", inputs, left, "ReducerOptions", options)

    def softmax(self, x: int, beta: float = 1.0) -> int:
        options = schema.SoftmaxOptionsT()
        options.beta = beta
        return self._operator("SOFTMAX", [x], self.shape(x), "SoftmaxOptions", options)


def _both(size: Both) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else size


def _slide(size: int, kernel: int, stride: int, dilation: int, padding: int) -> int:
    if padding == SAME:
        return -(-size // stride)
    return (size - (kernel - 1) * dilation - 1) // stride + 1
