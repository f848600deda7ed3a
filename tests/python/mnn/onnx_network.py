"""Builds small networks as ONNX files, with planted sparsity, and converts them to .mnn."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# Four taps around the centre of a 3x3 kernel, as pattern pruning leaves them.
PATTERNS = np.array(
    [
        [[1, 1, 0], [1, 1, 0], [0, 0, 0]],
        [[0, 1, 1], [0, 1, 1], [0, 0, 0]],
        [[0, 0, 0], [1, 1, 0], [1, 1, 0]],
        [[0, 1, 0], [1, 1, 1], [0, 0, 0]],
    ],
    np.float32,
)


def sparse_weights(rng: np.random.Generator, shape: tuple[int, int, int, int], keep: float) -> np.ndarray:
    """Weights [O, I, Kh, Kw] of which a share `keep` of the kernels remain; 3x3 ones follow PATTERNS."""
    weights = rng.standard_normal(shape, np.float32) / np.float32(np.sqrt(np.prod(shape[1:])))
    weights *= rng.random(shape[:2])[..., None, None] < keep
    if shape[2:] == (3, 3):
        weights *= PATTERNS[rng.integers(len(PATTERNS), size=shape[:2])]
    return weights


@dataclass
class Network:
    """Builds an ONNX graph, of one input "x" unless told; methods return the name of their output."""

    shape: tuple[Any, ...]  # NCHW; a name stands for any size
    seed: int = 0
    inputs: dict[str, int] = field(default_factory=lambda: {"x": TensorProto.FLOAT})  # all of `shape`
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: list[onnx.TensorProto] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def conv(
        self,
        x: str,
        channels: int,
        filters: int,
        size: int = 3,
        stride: int = 1,
        pads: tuple[int, int, int, int] | None = None,
        keep: float = 0.5,
        group: int = 1,
        dilation: int = 1,
    ) -> str:
        weights = sparse_weights(self.rng, (filters, channels // group, size, size), keep)
        return self.conv_of(x, weights, stride, pads, group, dilation)

    def conv_of(
        self,
        x: str,
        weights: np.ndarray,
        stride: int = 1,
        pads: tuple[int, int, int, int] | None = None,
        group: int = 1,
        dilation: int = 1,
    ) -> str:
        bias = self.rng.standard_normal(len(weights), np.float32)
        count = len(self.weights)
        self.weights += [
            numpy_helper.from_array(weights, f"w{count}"),
            numpy_helper.from_array(bias, f"b{count}"),
        ]
        half = dilation * (weights.shape[2] // 2)
        return self.op(
            "Conv",
            x,
            f"w{count}",
            f"b{count}",
            kernel_shape=list(weights.shape[2:]),
            strides=[stride] * 2,
            pads=list(pads or [half] * 4),
            group=group,
            dilations=[dilation] * 2,
        )

    def relu6(self, x: str) -> str:
        return self.clip(x, 0, 6)

    def clip(self, x: str, low: float, high: float) -> str:
        limits = (self.constant(np.array(limit, np.float32)) for limit in (low, high))
        return self.op("Clip", x, *limits)

    def batch_norm(self, x: str, channels: int) -> str:
        """With a scale of 0 among them."""
        values = self.rng.uniform(0.5, 2, (4, channels)).astype(np.float32)
        values[0, 0] = 0
        names = [f"norm{len(self.weights) + i}" for i in range(4)]
        self.weights += [numpy_helper.from_array(v, n) for v, n in zip(values, names, strict=True)]
        return self.op("BatchNormalization", x, *names)

    def relu(self, x: str) -> str:
        return self.op("Relu", x)

    def pool(
        self,
        x: str,
        kind: str = "MaxPool",
        size: int = 2,
        stride: int = 2,
        pad: int = 0,
        pads: tuple[int, int, int, int] | None = None,
        zeros: bool = False,
    ) -> str:
        """zeros: those around the image count in a mean."""
        options = {"count_include_pad": 1} if zeros else {}
        pads = pads or (pad, pad, pad, pad)
        return self.op(kind, x, kernel_shape=[size] * 2, strides=[stride] * 2, pads=pads, **options)

    def constant(self, values: np.ndarray) -> str:
        name = f"constant{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def by_channel(self, channels: int) -> str:
        """A constant for each, none close to 0."""
        values = self.rng.uniform(0.5, 2, channels) * self.rng.choice([-1, 1], channels)
        return self.constant(values.astype(np.float32).reshape(1, channels, 1, 1))

    def pad(self, x: str, widths: tuple[int, ...], mode: str = "constant") -> str:
        name = f"pads{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.array(widths, np.int64), name))
        return self.op("Pad", x, name, mode=mode)

    def slice(self, x: str, begin: int, end: int, axis: int = 1, step: int = 1) -> str:
        return self.op(
            "Slice", x, *(self.constant(np.array([n], np.int64)) for n in (begin, end, axis, step))
        )

    def resize(self, x: str, rows: float, columns: float, mode: str = "nearest", **attributes: Any) -> str:
        """By default each cell of the output shows the one of the input that it begins in."""
        scales = self.constant(np.array([1, 1, rows, columns], np.float32))
        if mode == "nearest":
            attributes.setdefault("nearest_mode", "floor")
        options = {"coordinate_transformation_mode": "asymmetric", **attributes}
        return self.op("Resize", x, "", scales, mode=mode, **options)

    def save(self, path: Path, *outputs: str) -> Path:
        graph = helper.make_graph(
            self.nodes,
            "net",
            [helper.make_tensor_value_info(name, kind, self.shape) for name, kind in self.inputs.items()],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, None) for output in outputs],
            self.weights,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
        onnx.save(onnx.shape_inference.infer_shapes(model), str(path))
        return path


def convert(source: str, mnn_path: str, *options: str) -> bool:
    """To be called in a process apart: MNN's converter carries a second copy of its engine.

    source: a .onnx or .tflite file.
    """
    import _tools  # type: ignore[import-not-found]  # not MNN.tools, which installs packages and reports usage

    kind = "TFLITE" if source.endswith(".tflite") else "ONNX"
    arguments = ["mnnconvert", "-f", kind, "--modelFile", source, "--MNNModel", mnn_path]
    return _tools.mnnconvert([*arguments, "--bizCode", "patternlite", *options])
