"""The convolution weights of a .tflite or .mnn file.

The field numbers are those of the runtimes' schemas: Model, SubGraph, Operator, Tensor, Buffer of TFLite;
Net, Op, Convolution2D, Convolution2DCommon of MNN.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .flatbuffer import Table

Array = NDArray[Any]

_CONV_2D, _DEPTHWISE_CONV_2D, _DEQUANTIZE = 3, 4, 6  # BuiltinOperator
_DTYPES = {0: "<f4", 1: "<f2"}  # TensorType FLOAT32, FLOAT16
_CONVOLUTIONS = (12, 13)  # OpType.Convolution, ConvolutionDepthwise


def conv_weights(data: bytes, suffix: str) -> Iterator[Array]:
    """Yields the weights (O, I/groups, H, W) of each convolution, in the order of the file.

    suffix: ".tflite" or ".mnn". Only float32 and fp16 weights are read; a convolution that stores them in
    another form is left out.
    """
    return (weights for weights in stored_weights(data, suffix) if weights is not None)


def stored_weights(data: bytes, suffix: str) -> Iterator[Array | None]:
    """As `conv_weights`, with None for each convolution that it leaves out."""
    return {".tflite": _tflite, ".mnn": _mnn}[suffix](data)


def _tflite(data: bytes) -> Iterator[Array | None]:
    model = Table.root(data)
    # Old files store the code in a byte, new ones in an int; the larger of the two is valid.
    codes = [max(code.scalar(0, "b", 0), code.scalar(3, "i", 0)) for code in model.tables(1)]
    buffers = list(model.tables(4))
    for graph in model.tables(2):
        tensors = list(graph.tables(0))
        operators = [(codes[op.scalar(0, "I", 0)], op.array(1, "<i4"), op.array(2, "<i4"))
                     for op in graph.tables(3)]  # fmt: skip
        widened = {outputs[0]: inputs[0] for code, inputs, outputs in operators if code == _DEQUANTIZE}
        for code, inputs, _ in operators:
            if code not in (_CONV_2D, _DEPTHWISE_CONV_2D):
                continue
            tensor = tensors[widened.get(inputs[1], inputs[1])]
            dtype = _DTYPES.get(tensor.scalar(1, "b", 0))
            values = buffers[tensor.scalar(2, "I", 0)].array(0, np.uint8)
            shape = tensor.array(0, "<i4")
            if dtype is None or values.size != np.prod(shape) * np.dtype(dtype).itemsize:
                yield None
                continue
            axes = (3, 0, 1, 2) if code == _DEPTHWISE_CONV_2D else (0, 3, 1, 2)
            yield values.view(dtype).reshape(shape).transpose(axes)


def _mnn(data: bytes) -> Iterator[Array | None]:
    """Reads the binary file: MNN's own JSON dump prints six decimals, and so shows small weights as zeros."""
    for op in Table.root(data).tables(3):
        if op.scalar(5, "i", 0) not in _CONVOLUTIONS:
            continue
        conv = op.table(2)
        common = conv.table(0)
        kernel = common.scalar(3, "i", 1), common.scalar(2, "i", 1)
        filters = common.scalar(10, "i", 0)
        flat = conv.array(1, "<f4")
        per_channel = filters * kernel[0] * kernel[1]
        whole = flat.size and per_channel > 0 and flat.size % per_channel == 0
        yield flat.reshape(filters, -1, *kernel) if whole else None
