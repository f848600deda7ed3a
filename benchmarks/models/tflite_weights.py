"""Writes new weights into a converter's .tflite file, in place: everything else stays as it was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Layer:
    """A layer with constant float32 weights, and views into the file.

    kind: "conv", "depthwise" or "fully-connected".
    weights: as TFLite stores them: (O, H, W, I), (1, H, W, C) or (O, I).
    output: shape of the layer's output.  stride: the larger of the two.
    """

    kind: str
    weights: Array
    bias: Array | None
    output: tuple[int, ...]
    stride: int = 1


def layers(model: bytearray) -> Iterator[Layer]:
    """The layers in the order of the file. Writing to their arrays changes `model`."""
    from ai_edge_litert import schema_py_generated as schema

    operators = {
        schema.BuiltinOperator.CONV_2D: ("conv", schema.Conv2DOptions),
        schema.BuiltinOperator.DEPTHWISE_CONV_2D: ("depthwise", schema.DepthwiseConv2DOptions),
        schema.BuiltinOperator.FULLY_CONNECTED: ("fully-connected", None),
    }
    root = schema.Model.GetRootAs(model, 0)
    graph = root.Subgraphs(0)
    # Tensors with equal content share a buffer; the shape is that of the tensor.
    for i in range(graph.OperatorsLength()):
        operator = graph.Operators(i)
        found = operators.get(root.OperatorCodes(operator.OpcodeIndex()).BuiltinCode())
        if found is None:
            continue
        kind, options_type = found
        stride = 1
        if options_type is not None:
            options = options_type()
            options.Init(operator.BuiltinOptions().Bytes, operator.BuiltinOptions().Pos)
            stride = max(options.StrideH(), options.StrideW())
        weights = _constant(root, graph, operator.Inputs(1))
        bias = _constant(root, graph, operator.Inputs(2)) if operator.InputsLength() > 2 else None
        if weights is not None:
            output = tuple(int(n) for n in graph.Tensors(operator.Outputs(0)).ShapeAsNumpy())
            yield Layer(kind, weights, bias, output, stride)


def macs(model: bytearray) -> float:
    """Multiplications per image by weights that are not zero."""
    return float(sum(np.count_nonzero(x.weights) * np.prod(x.output[1:-1]) for x in layers(model)))


def _constant(root, graph, index: int) -> Array | None:  # type: ignore[no-untyped-def]
    if index < 0:
        return None
    tensor = graph.Tensors(index)
    data = root.Buffers(tensor.Buffer()).DataAsNumpy()
    if tensor.Type() != 0 or isinstance(data, int):  # not FLOAT32, or no data: it is computed
        return None
    return data.view(np.float32).reshape(tensor.ShapeAsNumpy())
