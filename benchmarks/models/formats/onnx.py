"""A .tflite file of the benchmark networks as ONNX, for the runtimes that read nothing else.

Images become (N, C, H, W), padding becomes a part of the layer behind it, and a fully connected layer behind
a flattened map gets its columns in the new order. Only the operators of ../networks.py and ../stacks.py are
translated, and the protocol compares the answers before anything is timed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from patternlite.errors import PatternliteError

OPSET = 17
_NCHW = (0, 3, 1, 2)


def tflite_to_onnx(source: Path, target: Path) -> None:
    """Raises PatternliteError naming the first operator that has no translation here."""
    import onnx

    graph = _Graph(source)
    for operator in graph.operators():
        graph.translate(operator)
    model = onnx.helper.make_model(
        graph.finish(), opset_imports=[onnx.helper.make_opsetid("", OPSET)], ir_version=8
    )
    onnx.checker.check_model(model)
    onnx.save(model, str(target))


class _Graph:
    """The ONNX graph so far. Tensors are called t<number in the .tflite file>."""

    def __init__(self, source: Path) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self._schema = schema
        self._kinds = {number: name for name, number in vars(schema.BuiltinOperator).items()}
        self._root = schema.Model.GetRootAs(bytearray(source.read_bytes()), 0)
        self._file = self._root.Subgraphs(0)
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._padded: dict[int, tuple[int, list[int]]] = {}  # tensor -> what it pads, and by how much

    def operators(self) -> Iterator[Any]:
        return (self._file.Operators(i) for i in range(self._file.OperatorsLength()))

    def translate(self, operator: Any) -> None:
        kind = self._kinds[self._root.OperatorCodes(operator.OpcodeIndex()).BuiltinCode()]
        translation = _TRANSLATIONS.get(kind)
        if translation is None:
            raise PatternliteError(f"{kind} has no translation to ONNX; known: {', '.join(_TRANSLATIONS)}")
        translation(self, operator)

    def finish(self) -> Any:
        from onnx import TensorProto, helper

        def value(index: int) -> Any:
            shape = self.shape(index)
            shape = [shape[i] for i in _NCHW] if len(shape) == 4 else shape
            return helper.make_tensor_value_info(f"t{index}", TensorProto.FLOAT, shape)

        inputs, outputs = [value(self._file.Inputs(0))], [value(self._file.Outputs(0))]
        return helper.make_graph(self._nodes, "network", inputs, outputs, self._constants)

    def conv(self, operator: Any) -> None:
        weights = self.constant(operator.Inputs(1)).transpose(_NCHW)
        self._convolve(operator, weights, self._schema.Conv2DOptions())

    def depthwise(self, operator: Any) -> None:
        weights = self.constant(operator.Inputs(1)).transpose(3, 0, 1, 2)
        self._convolve(operator, weights, self._schema.DepthwiseConv2DOptions(), group=len(weights))

    def _convolve(self, operator: Any, weights: np.ndarray, options: Any, group: int = 1) -> None:
        options.Init(operator.BuiltinOptions().Bytes, operator.BuiltinOptions().Pos)
        kernel = weights.shape[2:]
        self._emit(
            "Conv",
            operator,
            [self._store(weights), *self._bias(operator)],
            options.FusedActivationFunction(),
            kernel_shape=kernel,
            strides=(options.StrideH(), options.StrideW()),
            pads=self._pads(operator, options, kernel),
            group=group,
        )

    def max_pool(self, operator: Any) -> None:
        options = self._schema.Pool2DOptions()
        options.Init(operator.BuiltinOptions().Bytes, operator.BuiltinOptions().Pos)
        kernel = options.FilterHeight(), options.FilterWidth()
        strides = options.StrideH(), options.StrideW()
        pads = self._pads(operator, options, kernel)
        self._emit("MaxPool", operator, [], 0, kernel_shape=kernel, strides=strides, pads=pads)

    def pad(self, operator: Any) -> None:
        """Moves padding into the next layer. A pool pads with minus infinity: the same as 0 after a ReLU."""
        (top, bottom), (left, right) = self.constant(operator.Inputs(1))[1:3].tolist()
        self._padded[operator.Outputs(0)] = operator.Inputs(0), [top, left, bottom, right]

    def add(self, operator: Any) -> None:
        options = self._schema.AddOptions()
        options.Init(operator.BuiltinOptions().Bytes, operator.BuiltinOptions().Pos)
        self._emit("Add", operator, [f"t{operator.Inputs(1)}"], options.FusedActivationFunction())

    def relu(self, operator: Any) -> None:
        self._emit("Relu", operator, [])

    def mean(self, operator: Any) -> None:
        """The mean over the map, the only kind in these networks."""
        pooled = f"t{operator.Outputs(0)}_map"
        self._node("GlobalAveragePool", [f"t{operator.Inputs(0)}"], pooled)
        self._node("Flatten", [pooled], f"t{operator.Outputs(0)}", axis=1)

    def reshape(self, operator: Any) -> None:
        self._emit("Flatten", operator, [], axis=1)

    def fully_connected(self, operator: Any) -> None:
        weights = self.constant(operator.Inputs(1))
        options = self._schema.FullyConnectedOptions()
        options.Init(operator.BuiltinOptions().Bytes, operator.BuiltinOptions().Pos)
        rows = operator.Inputs(0)
        source = self._flattened().get(rows, rows)
        if len(self.shape(source)) == 4:
            _, height, width, channels = self.shape(source)
            weights = weights.reshape(-1, height, width, channels).transpose(_NCHW).reshape(weights.shape)
        constants = [self._store(weights), *self._bias(operator)]
        name = f"t{rows}"
        if len(self.shape(rows)) == 4:  # TFLite flattens by itself
            name = f"t{rows}_row"
            self._node("Flatten", [f"t{rows}"], name, axis=1)
        self._emit("Gemm", operator, constants, options.FusedActivationFunction(), source=name, transB=1)

    def _bias(self, operator: Any) -> list[str]:
        present = operator.InputsLength() > 2 and operator.Inputs(2) >= 0
        return [self._store(self.constant(operator.Inputs(2)))] if present else []

    def _flattened(self) -> dict[int, int]:
        """A flattened map -> the map."""
        reshape = self._schema.BuiltinOperator.RESHAPE
        return {
            operator.Outputs(0): operator.Inputs(0)
            for operator in self.operators()
            if self._root.OperatorCodes(operator.OpcodeIndex()).BuiltinCode() == reshape
        }

    def _pads(self, operator: Any, options: Any, kernel: tuple[int, ...]) -> list[int]:
        """[top, left, bottom, right]; TFLite's SAME puts the odd zero last."""
        if options.Padding() == self._schema.Padding.VALID:
            return self._padded.get(operator.Inputs(0), (0, [0, 0, 0, 0]))[1]
        strides = options.StrideH(), options.StrideW()
        sizes, outputs = self.shape(operator.Inputs(0))[1:3], self.shape(operator.Outputs(0))[1:3]
        total = [
            max(0, (out - 1) * stride + k - size)
            for out, stride, k, size in zip(outputs, strides, kernel, sizes, strict=True)
        ]
        return [n // 2 for n in total] + [n - n // 2 for n in total]

    def shape(self, index: int) -> list[int]:
        return [int(n) for n in self._file.Tensors(index).ShapeAsNumpy()]

    def constant(self, index: int) -> np.ndarray:
        tensor = self._file.Tensors(index)
        kind = {self._schema.TensorType.FLOAT32: np.float32, self._schema.TensorType.INT32: np.int32}
        data = self._root.Buffers(tensor.Buffer()).DataAsNumpy()
        return data.view(kind[tensor.Type()]).reshape(self.shape(index))

    def _emit(
        self,
        kind: str,
        operator: Any,
        more: list[str],
        activation: int = 0,
        source: str = "",
        **attributes: Any,
    ) -> None:
        """A node for the operator, and one for the activation that is fused into it."""
        source = source or f"t{self._padded.get(operator.Inputs(0), (operator.Inputs(0),))[0]}"
        target = f"t{operator.Outputs(0)}"
        relu, relu6 = self._schema.ActivationFunctionType.RELU, self._schema.ActivationFunctionType.RELU6
        if activation == 0:
            self._node(kind, [source, *more], target, **attributes)
            return
        self._node(kind, [source, *more], f"{target}_linear", **attributes)
        if activation == relu:
            self._node("Relu", [f"{target}_linear"], target)
        elif activation == relu6:
            limits = [self._store(np.array(limit, np.float32)) for limit in (0, 6)]
            self._node("Clip", [f"{target}_linear", *limits], target)
        else:
            raise PatternliteError(f"activation {activation} has no translation to ONNX")

    def _node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> None:
        from onnx import helper

        self._nodes.append(helper.make_node(kind, inputs, [output], **attributes))

    def _store(self, array: np.ndarray) -> str:
        from onnx import numpy_helper

        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name


_TRANSLATIONS = {
    "CONV_2D": _Graph.conv,
    "DEPTHWISE_CONV_2D": _Graph.depthwise,
    "MAX_POOL_2D": _Graph.max_pool,
    "PAD": _Graph.pad,
    "ADD": _Graph.add,
    "RELU": _Graph.relu,
    "MEAN": _Graph.mean,
    "RESHAPE": _Graph.reshape,
    "FULLY_CONNECTED": _Graph.fully_connected,
}
