"""A .tflite model in the making: its tensors, constants in all forms, and operators of any kind."""

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


class ModelFile:
    """Methods that add an operator return the index of its output tensor."""

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
