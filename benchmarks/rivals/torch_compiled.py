"""PyTorch: the ONNX graph as a function, channels last, compiled by torch.compile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from patternlite.runtimes.sessions import Session


class TorchSession(Session):
    def __init__(self, path: Path, threads: int) -> None:
        import onnx
        import torch

        torch.set_num_threads(threads)
        graph = onnx.load(str(path)).graph
        self.input_shape = tuple(d.dim_value for d in graph.input[0].type.tensor_type.shape.dim)
        self._run = torch.compile(as_function(graph), mode="max-autotune-no-cudagraphs")
        self._torch = torch

    def set_input(self, x: np.ndarray) -> None:
        tensor = self._torch.from_numpy(np.ascontiguousarray(x))
        self._image = tensor.to(memory_format=self._torch.channels_last)

    def invoke(self) -> None:
        with self._torch.inference_mode():
            self._answer = self._run(self._image)

    def output(self) -> np.ndarray:
        return self._answer.numpy()


def as_function(graph: Any) -> Callable[[Any], Any]:
    """An ONNX graph, of the operators in _OPERATORS, as a function of its input."""
    import torch
    from onnx import helper, numpy_helper

    constants = {}
    for entry in graph.initializer:
        tensor = torch.from_numpy(numpy_helper.to_array(entry).copy())
        if tensor.ndim == 4:
            tensor = tensor.to(memory_format=torch.channels_last)
        constants[entry.name] = tensor
    nodes = [
        (n.op_type, list(n.input), n.output[0], {a.name: helper.get_attribute_value(a) for a in n.attribute})
        for n in graph.node
    ]
    source, target = graph.input[0].name, graph.output[0].name

    def run(image: Any) -> Any:
        values = {**constants, source: image}
        for kind, inputs, output, attributes in nodes:
            values[output] = _OPERATORS[kind](*(values[name] for name in inputs), attributes)
        return values[target]

    return run


def _conv(x: Any, weight: Any, *rest: Any) -> Any:
    from torch.nn import functional

    *bias, a = rest
    x, padding = _padded(x, a["pads"], 0.0)
    return functional.conv2d(x, weight, bias[0] if bias else None, a["strides"], padding, groups=a["group"])


def _max_pool(x: Any, a: Mapping[str, Any]) -> Any:
    from torch.nn import functional

    x, padding = _padded(x, a["pads"], float("-inf"))
    return functional.max_pool2d(x, a["kernel_shape"], a["strides"], padding)


def _padded(x: Any, pads: list[int], value: float) -> tuple[Any, tuple[int, int]]:
    """Pads the map, unless pads are the same on both sides: those are left to the operator."""
    from torch.nn import functional

    top, left, bottom, right = pads
    if (top, left) == (bottom, right):
        return x, (top, left)
    return functional.pad(x, (left, right, top, bottom), value=value), (0, 0)


def _gemm(x: Any, weight: Any, *rest: Any) -> Any:
    from torch.nn import functional

    return functional.linear(x, weight, *rest[:-1])


# Each takes the node's inputs, then its attributes.
_OPERATORS: dict[str, Callable[..., Any]] = {
    "Conv": _conv,
    "MaxPool": _max_pool,
    "Gemm": _gemm,
    "Relu": lambda x, a: x.relu(),
    "Clip": lambda x, low, high, a: x.clamp(0, 6),
    "Add": lambda x, y, a: x + y,
    "GlobalAveragePool": lambda x, a: x.mean((2, 3), keepdim=True),
    "Flatten": lambda x, a: x.flatten(1),
}
