"""Writes small .tflite models, one operator after the other, without a converter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

SAME, VALID = schema.Padding.SAME, schema.Padding.VALID
NONE = schema.ActivationFunctionType.NONE
RELU = schema.ActivationFunctionType.RELU
RELU6 = schema.ActivationFunctionType.RELU6
RELU_N1_TO_1 = schema.ActivationFunctionType.RELU_N1_TO_1
TANH = schema.ActivationFunctionType.TANH

_TYPES = {
    np.dtype(np.float32): schema.TensorType.FLOAT32,
    np.dtype(np.float16): schema.TensorType.FLOAT16,
    np.dtype(np.int32): schema.TensorType.INT32,
    np.dtype(np.int8): schema.TensorType.INT8,
}


class ModelBuilder:
    """Methods add an operator and return the index of its output tensor."""

    def __init__(self) -> None:
        self._model = schema.ModelT()
        self._model.version = 3
        self._model.buffers = [schema.BufferT()]
        self._model.operatorCodes = []
        self._graph = schema.SubGraphT()
        self._graph.tensors, self._graph.operators, self._graph.inputs = [], [], []

    def build(self, *outputs: int) -> bytes:
        self._graph.outputs = list(outputs)
        self._model.subgraphs = [self._graph]
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(self._model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    @property
    def operators(self) -> int:
        return len(self._graph.operators)

    def shape(self, tensor: int) -> tuple[int, ...]:
        return tuple(self._graph.tensors[tensor].shape)

    def input(self, *shape: int, dtype: Any = np.float32, signature: tuple[int, ...] | None = None) -> int:
        tensor = self._tensor(shape, dtype)
        self._graph.tensors[tensor].shapeSignature = signature
        self._graph.inputs.append(tensor)
        return tensor

    def constant(self, array: np.ndarray) -> int:
        return self._constant(array)

    def _constant(self, array: np.ndarray) -> int:
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(array).tobytes(), np.uint8)
        self._model.buffers.append(buffer)
        tensor = self._tensor(array.shape, array.dtype)
        self._graph.tensors[tensor].buffer = len(self._model.buffers) - 1
        return tensor

    def sparse_constant(self, array: np.ndarray) -> int:
        """A constant stored without its zeros: the last axis compressed, the others dense."""
        rank, rows = array.ndim, array.reshape(-1, array.shape[-1])
        columns = [np.flatnonzero(row) for row in rows]
        levels = [schema.DimensionMetadataT() for _ in range(rank)]
        for level, size in zip(levels, array.shape, strict=True):
            level.denseSize = size
        levels[-1].format = schema.DimensionType.SPARSE_CSR
        segments, indices = schema.Int32VectorT(), schema.Uint16VectorT()
        segments.values = np.cumsum([0] + [len(c) for c in columns]).astype(np.int32)
        indices.values = np.concatenate(columns).astype(np.uint16)
        levels[-1].arraySegments, levels[-1].arrayIndices = segments, indices
        levels[-1].arraySegmentsType = schema.SparseIndexVector.Int32Vector
        levels[-1].arrayIndicesType = schema.SparseIndexVector.Uint16Vector
        sparsity = schema.SparsityParametersT()
        sparsity.traversalOrder = np.arange(rank, dtype=np.int32)
        sparsity.dimMetadata = levels

        tensor = self._constant(array[array != 0])
        self._graph.tensors[tensor].shape = list(array.shape)
        self._graph.tensors[tensor].sparsity = sparsity
        return tensor

    def conv(
        self, x: int, weights: np.ndarray | int, bias: np.ndarray | int, *, stride: int | tuple[int, int] = 1,
        dilation: int = 1, padding: int = SAME, activation: int = NONE, dtype: Any = np.float32,
    ) -> int:  # fmt: skip
        """weights: (O, H, W, I), or the tensor that holds them."""
        options = schema.Conv2DOptionsT()
        options.padding, options.fusedActivationFunction = padding, activation
        options.strideH, options.strideW = (stride, stride) if isinstance(stride, int) else stride
        options.dilationHFactor = options.dilationWFactor = dilation
        tensor = weights if isinstance(weights, int) else self.constant(weights)
        filters, kh, kw, _ = self.shape(tensor)
        n, h, w, _ = self.shape(x)
        shape = (
            n, _slide(h, kh, options.strideH, dilation, padding),
            _slide(w, kw, options.strideW, dilation, padding), filters,
        )  # fmt: skip
        inputs = [x, tensor, bias if isinstance(bias, int) else self.constant(bias)]
        return self._operator("CONV_2D", inputs, shape, "Conv2DOptions", options, dtype)

    def depthwise(
        self, x: int, weights: np.ndarray, bias: np.ndarray, *, stride: int = 1, dilation: int = 1,
        padding: int = SAME, activation: int = NONE,
    ) -> int:  # fmt: skip
        """weights: (1, H, W, C), or a multiple of C."""
        options = schema.DepthwiseConv2DOptionsT()
        options.padding, options.fusedActivationFunction = padding, activation
        options.strideH = options.strideW = stride
        options.dilationHFactor = options.dilationWFactor = dilation
        n, h, w, c = self.shape(x)
        _, kh, kw, filters = weights.shape
        options.depthMultiplier = filters // c
        shape = (
            n,
            _slide(h, kh, stride, dilation, padding),
            _slide(w, kw, stride, dilation, padding),
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

    def depth_to_space(self, x: int, block: int) -> int:
        options = schema.DepthToSpaceOptionsT()
        options.blockSize = block
        n, h, w, c = self.shape(x)
        shape = (n, h * block, w * block, c // block**2)
        return self._operator("DEPTH_TO_SPACE", [x], shape, "DepthToSpaceOptions", options)

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
        self, x: int, kind: str, size: int, *, stride: int = 1, padding: int = VALID, activation: int = NONE
    ) -> int:
        """kind: "MAX" or "AVERAGE"."""
        options = schema.Pool2DOptionsT()
        options.padding, options.fusedActivationFunction = padding, activation
        options.strideH = options.strideW = stride
        options.filterHeight = options.filterWidth = size
        n, h, w, c = self.shape(x)
        shape = (n, _slide(h, size, stride, 1, padding), _slide(w, size, stride, 1, padding), c)
        return self._operator(f"{kind}_POOL_2D", [x], shape, "Pool2DOptions", options)

    def pad(self, x: int, amounts: Sequence[tuple[int, int]], fill: float | None = None) -> int:
        """amounts: (before, after) of each axis. PADV2 when there is a fill."""
        inputs = [x, self.constant(np.array(amounts, np.int32))]
        shape = tuple(n + sum(a) for n, a in zip(self.shape(x), amounts, strict=True))
        if fill is None:
            return self._operator("PAD", inputs, shape, "PadOptions", schema.PadOptionsT())
        inputs.append(self.constant(np.array(fill, np.float32)))
        return self._operator("PADV2", inputs, shape, "PadV2Options", schema.PadV2OptionsT())

    def mirror_pad(self, x: int, amounts: Sequence[tuple[int, int]], *, symmetric: bool = False) -> int:
        options = schema.MirrorPadOptionsT()
        options.mode = schema.MirrorPadMode.SYMMETRIC if symmetric else schema.MirrorPadMode.REFLECT
        inputs = [x, self.constant(np.array(amounts, np.int32))]
        shape = tuple(n + sum(a) for n, a in zip(self.shape(x), amounts, strict=True))
        return self._operator("MIRROR_PAD", inputs, shape, "MirrorPadOptions", options)

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

    def split(self, x: int, parts: int, axis: int = -1) -> list[int]:
        options = schema.SplitOptionsT()
        options.numSplits = parts
        shape = list(self.shape(x))
        shape[axis] //= parts
        inputs = [self.constant(np.array(axis, np.int32)), x]
        return self._operators("SPLIT", inputs, [shape] * parts, "SplitOptions", options)

    def split_unevenly(self, x: int, *sizes: int, axis: int = -1) -> list[int]:
        """sizes: one may be -1, the rest."""
        options = schema.SplitVOptionsT()
        options.numSplits = len(sizes)
        shapes = [list(self.shape(x)) for _ in sizes]
        for shape, size in zip(shapes, sizes, strict=True):
            shape[axis] = size if size >= 0 else shape[axis] - sum(sizes) - 1
        inputs = [x, *(self.constant(np.array(n, np.int32)) for n in (sizes, axis))]
        return self._operators("SPLIT_V", inputs, shapes, "SplitVOptions", options)

    def slice(self, x: int, begin: Sequence[int], size: Sequence[int]) -> int:
        """size: -1 for all that is left."""
        rest = zip(self.shape(x), begin, size, strict=True)
        shape = [n if n >= 0 else cells - first for cells, first, n in rest]
        inputs = [x, *(self.constant(np.array(n, np.int32)) for n in (begin, size))]
        return self._operator("SLICE", inputs, shape, "SliceOptions", schema.SliceOptionsT())

    def strided_slice(self, x: int, *axes: slice) -> int:
        options = schema.StridedSliceOptionsT()
        options.beginMask = sum((axis.start is None) << i for i, axis in enumerate(axes))
        options.endMask = sum((axis.stop is None) << i for i, axis in enumerate(axes))
        options.ellipsisMask = options.newAxisMask = options.shrinkAxisMask = 0
        numbers = [[a.start or 0 for a in axes], [a.stop or 0 for a in axes], [a.step or 1 for a in axes]]
        shape = [len(range(n)[axis]) for n, axis in zip(self.shape(x), axes, strict=True)]
        inputs = [x, *(self.constant(np.array(n, np.int32)) for n in numbers)]
        return self._operator("STRIDED_SLICE", inputs, shape, "StridedSliceOptions", options)

    def mean(self, x: int, *, keep_dims: bool, axes: tuple[int, ...] = (1, 2)) -> int:
        options = schema.ReducerOptionsT()
        options.keepDims = keep_dims
        shape = self.shape(x)
        gone = [axis % len(shape) for axis in axes]
        sizes = [1 if axis in gone else size for axis, size in enumerate(shape)]
        left = sizes if keep_dims else [size for axis, size in enumerate(shape) if axis not in gone]
        inputs = [x, self.constant(np.array(axes, np.int32))]
        return self._operator("MEAN", inputs, left, "ReducerOptions", options)

    def reshape(self, x: int, *shape: int) -> int:
        options = schema.ReshapeOptionsT()
        options.newShape = list(shape)
        elements = int(np.prod(self.shape(x)))
        known = int(np.prod([n for n in shape if n > 0]))
        result = tuple(n if n > 0 else elements // known for n in shape)
        inputs = [x, self.constant(np.array(shape, np.int32))]
        return self._operator("RESHAPE", inputs, result, "ReshapeOptions", options)

    def reshape_at_run_time(self, x: int, shape: int, *expected: int) -> int:
        """shape: an int32 tensor, which makes the output a dynamic one."""
        return self._operator("RESHAPE", [x, shape], expected, "ReshapeOptions", schema.ReshapeOptionsT())

    def tile(self, x: int, *multiples: int) -> int:
        shape = np.multiply(self.shape(x), multiples).tolist()
        inputs = [x, self.constant(np.array(multiples, np.int32))]
        return self._operator("TILE", inputs, shape, "TileOptions", schema.TileOptionsT())

    def transpose(self, x: int, *order: int) -> int:
        shape = [self.shape(x)[axis] for axis in order]
        inputs = [x, self.constant(np.array(order, np.int32))]
        return self._operator("TRANSPOSE", inputs, shape, "TransposeOptions", schema.TransposeOptionsT())

    def squeeze(self, x: int) -> int:
        """(N, 1, 1, C) -> (N, C)."""
        options = schema.SqueezeOptionsT()
        options.squeezeDims = [1, 2]
        n, _, _, c = self.shape(x)
        return self._operator("SQUEEZE", [x], (n, c), "SqueezeOptions", options)

    def concatenate(self, *parts: int, axis: int = -1, activation: int = NONE) -> int:
        options = schema.ConcatenationOptionsT()
        options.axis, options.fusedActivationFunction = axis, activation
        shape = list(self.shape(parts[0]))
        shape[axis] = sum(self.shape(part)[axis] for part in parts)
        return self._operator("CONCATENATION", list(parts), shape, "ConcatenationOptions", options)

    def resize_nearest(self, x: int, height: int, width: int, **options: bool) -> int:
        return self.resize("NearestNeighbor", x, height, width, **options)

    def resize(
        self, kind: str, x: int, height: int, width: int, *, align_corners: bool = False,
        half_pixels: bool = False,
    ) -> int:  # fmt: skip
        """kind: "NearestNeighbor" or "Bilinear"."""
        options = getattr(schema, f"Resize{kind}OptionsT")()
        options.alignCorners, options.halfPixelCenters = align_corners, half_pixels
        n, _, _, c = self.shape(x)
        inputs, shape = [x, self.constant(np.array([height, width], np.int32))], (n, height, width, c)
        name = "RESIZE_BILINEAR" if kind == "Bilinear" else "RESIZE_NEAREST_NEIGHBOR"
        return self._operator(name, inputs, shape, f"Resize{kind}Options", options)

    def softmax(self, x: int, beta: float = 1.0) -> int:
        options = schema.SoftmaxOptionsT()
        options.beta = beta
        return self._operator("SOFTMAX", [x], self.shape(x), "SoftmaxOptions", options)

    def dequantize(self, x: int) -> int:
        return self._operator(
            "DEQUANTIZE", [x], self.shape(x), "DequantizeOptions", schema.DequantizeOptionsT()
        )

    def densify(self, x: int, dtype: Any = np.float32) -> int:
        return self._operator("DENSIFY", [x], self.shape(x), dtype=dtype)

    def quantise(self, tensor: int, scale: float) -> None:
        """Gives an int8 or int32 tensor its scale."""
        parameters = schema.QuantizationParametersT()
        parameters.scale, parameters.zeroPoint = np.array([scale], np.float32), np.array([0], np.int64)
        self._graph.tensors[tensor].quantization = parameters

    def _tensor(self, shape: Sequence[int], dtype: Any) -> int:
        tensor = schema.TensorT()
        tensor.shape, tensor.type, tensor.buffer = list(shape), _TYPES[np.dtype(dtype)], 0
        tensor.name = f"t{len(self._graph.tensors)}".encode()
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def _operator(
        self, name: str, inputs: list[int], shape: Sequence[int], options_name: str | None = None,
        options: Any = None, dtype: Any = np.float32,
    ) -> int:  # fmt: skip
        return self._operators(name, inputs, [shape], options_name, options, dtype)[0]

    def _operators(
        self, name: str, inputs: list[int], shapes: Sequence[Sequence[int]], options_name: str | None = None,
        options: Any = None, dtype: Any = np.float32, version: int = 1,
    ) -> list[int]:  # fmt: skip
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), version
        self._model.operatorCodes.append(code)
        operator = schema.OperatorT()
        operator.opcodeIndex = len(self._model.operatorCodes) - 1
        operator.inputs, operator.outputs = inputs, [self._tensor(shape, dtype) for shape in shapes]
        if options_name:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, options_name)
            operator.builtinOptions = options
        self._graph.operators.append(operator)
        return operator.outputs


def _slide(size: int, kernel: int, stride: int, dilation: int, padding: int) -> int:
    if padding == SAME:
        return -(-size // stride)
    return (size - (kernel - 1) * dilation - 1) // stride + 1
