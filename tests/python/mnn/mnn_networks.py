"""Small networks as ONNX files, with planted sparsity, and their conversion to .mnn."""

from __future__ import annotations

from collections.abc import Callable
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
        if not any(w.name == "six" for w in self.weights):
            self.weights.append(numpy_helper.from_array(np.array(6, np.float32), "six"))
            self.weights.append(numpy_helper.from_array(np.array(0, np.float32), "zero"))
        return self.op("Clip", x, "zero", "six")

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
            attributes["nearest_mode"] = "floor"
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


def residual() -> tuple[Network, str]:
    """All in one: odd channel counts, strides, a residual, activations, 1x1 layers, a dense layer."""
    net = Network((1, 20, 17, 19))
    a = net.op("Relu", net.conv("x", 20, 24))
    b = net.relu6(net.conv(a, 24, 24))
    c = net.op("Relu", net.op("Add", a, net.conv(b, 24, 24)))
    d = net.conv(c, 24, 37, stride=2)
    e = net.conv(d, 37, 40, size=1, keep=0.1)
    f = net.op("Relu", net.conv(e, 40, 12, pads=(0, 0, 0, 0)))
    return net, net.conv_of(f, net.rng.standard_normal((5, 12, 1, 1), np.float32))


def single(
    shape: tuple[Any, ...], filters: int, activation: str | None = None, **options: Any
) -> Callable[[], tuple[Network, str]]:
    def build() -> tuple[Network, str]:
        net = Network(shape)
        y = net.conv("x", shape[1], filters, **options)
        if activation == "Relu6":
            y = net.relu6(y)
        elif activation:
            y = net.op(activation, y)
        return net, y

    return build


def batch_norm() -> tuple[Network, str]:
    net = Network((1, 16, 14, 14))
    y = net.relu(net.batch_norm(net.conv("x", 16, 32), 32))
    return net, net.batch_norm(net.conv(y, 32, 16, size=1, keep=0.2), 16)


def wide() -> tuple[Network, str]:
    """Layers whose weights are most of what a session holds."""
    net = Network((1, 256, 14, 14))
    y = "x"
    for _ in range(3):
        y = net.relu(net.conv(y, 256, 256, keep=0.28))
    return net, y


def dense() -> tuple[Network, str]:
    net = Network((1, 16, 12, 12))
    hidden = net.op("Relu", net.conv_of("x", net.rng.standard_normal((16, 16, 3, 3), np.float32)))
    return net, net.conv_of(hidden, net.rng.standard_normal((8, 16, 1, 1), np.float32))


def alternating() -> tuple[Network, str]:
    """Sparse and dense layers in turn: MNN reads what we wrote, 33 channels in blocks of 8."""
    net = Network((1, 40, 12, 12))
    y = "x"
    for _ in range(3):
        y = net.op("Relu", net.conv(y, 40, 33, keep=0.3))
        y = net.conv_of(y, net.rng.standard_normal((40, 33, 3, 3), np.float32) / np.float32(18))
    return net, y


def rows() -> tuple[Network, str]:
    """Linear layers over 64 rows, as a matrix product over tokens becomes."""
    net = Network((64, 256, 1, 1))
    return net, net.conv(net.relu(net.conv("x", 256, 256, size=1, keep=0.2)), 256, 256, size=1, keep=0.2)


def declined() -> tuple[Network, str]:
    """A dense convolution, and one with an infinite weight."""
    net = Network((1, 16, 12, 12))
    c = net.conv_of("x", net.rng.standard_normal((16, 16, 3, 3), np.float32))
    weights = sparse_weights(net.rng, (16, 16, 3, 3), 0.5)
    weights[0, 0, 0, 0] = np.inf
    return net, net.op("Relu", net.conv_of(c, weights))


def within_the_image() -> tuple[Network, ...]:
    """Strides longer than kernels, padded as "SAME": only MNN's windows begin within the image."""
    net = Network((1, 64, 15, 15))
    outputs = []
    for size, stride, group in ((1, 3, 1), (1, 5, 1), (2, 5, 1), (3, 5, 1), (1, 3, 64)):
        weights = sparse_weights(net.rng, (64, 64 // group, size, size), 0.1 if group == 1 else 1)
        net.weights.append(numpy_helper.from_array(weights, f"w{len(outputs)}"))
        outputs.append(
            net.op(
                "Conv",
                "x",
                f"w{len(outputs)}",
                kernel_shape=[size] * 2,
                strides=[stride] * 2,
                auto_pad="SAME_UPPER",
                group=group,
            )
        )
    return net, *outputs  # type: ignore[return-value]


NETWORKS: dict[str, Callable[[], tuple[Network, ...]]] = {
    "residual": residual,
    "dense": dense,
    "batch-norm": batch_norm,
    "wide": wide,
    "declined": declined,
    "rows": rows,
    "alternating": alternating,
    "within-the-image": within_the_image,
    "open-shape": single((1, 16, "height", "width"), 16),
    # Each a layer alone. Between them: fewer channels than a block, whole blocks, a block and a bit.
    "image": single((1, 3, 23, 21), 16, "Relu"),
    "few-filters": single((1, 16, 9, 40), 3),
    "whole-blocks": single((1, 32, 28, 28), 64, "Relu6"),
    "batch": single((3, 20, 15, 13), 20, "Relu"),
    "stride-2": single((1, 24, 15, 16), 32, stride=2),
    "stride-2-batch": single((2, 12, 16, 15), 20, "Relu6", stride=2),
    "no-padding": single((1, 16, 10, 11), 24, pads=(0, 0, 0, 0)),
    "wide-padding": single((1, 16, 6, 7), 24, pads=(3, 3, 3, 3)),
    "wider-than-the-window": single((1, 32, 13, 13), 64, pads=(4, 4, 4, 4)),
    "wider-in-rows": single((1, 16, 3, 15), 24, size=1, pads=(2, 5, 1, 6)),
    "1x1-stride-2-padding": single((1, 40, 14, 14), 24, size=1, keep=0.1, stride=2, pads=(0, 0, 1, 1)),
    "wide-dilation": single((1, 16, 15, 15), 24, dilation=6),
    "uneven-padding": single((1, 16, 14, 14), 24, stride=2, pads=(0, 0, 1, 1)),
    "dilation": single((1, 16, 20, 20), 16, dilation=2),
    "5x5": single((1, 8, 18, 18), 16, size=5, keep=0.2),
    "1x1": single((1, 64, 14, 14), 48, "Relu", size=1, keep=0.1),
    "1x1-stride-2": single((2, 40, 14, 13), 24, size=1, keep=0.1, stride=2),
    "one-position": single((1, 64, 1, 1), 32, size=1, keep=0.1),
    "grouped": single((1, 32, 12, 12), 32, group=2),  # MNN's converter makes two layers of it
    "groups-of-few": single((2, 12, 11, 10), 30, "Relu", group=6),
    "groups-of-one": single((1, 20, 9, 12), 40, keep=1, group=20),
    "groups-stride-2": single((1, 24, 13, 11), 32, "Relu6", stride=2, group=4),
    "all-zero": single((1, 16, 8, 8), 16, keep=1e-9),
    "depthwise": single((1, 20, 14, 15), 20, "Relu6", group=20),
    "depthwise-batch": single((3, 16, 9, 9), 16, "Relu", group=16),
    "depthwise-stride-2": single((1, 33, 15, 16), 33, stride=2, group=33),
    "depthwise-uneven-padding": single((1, 16, 14, 14), 16, stride=2, pads=(0, 0, 1, 1), group=16),
    "depthwise-5x5": single((1, 24, 12, 12), 24, size=5, keep=1, group=24),
}
