"""The model files of a benchmark, made once and kept: a network's dense and pruned files, in all formats.

A file's name ends in a fingerprint of everything that went into it, and it appears complete or not at all, so
an existing file is right.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import inspect
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Self

import numpy as np

from patternlite.support.files import write_atomically
from patternlite.support.isolated import Isolated

from ..rivals import SPARSE_MNN, environment, ncnn_net
from . import networks, skeletons, sparse_weights, stacks, tflite_weights
from .formats import int8, mnn_sparse, onnx
from .stacks import Stack

_SEED = 0


@dataclass(frozen=True)
class Rates:
    """How many times fewer weights each kind of layer keeps; 1 leaves it dense.

    depthwise: whether 3x3 kernels keep 4 weights.  first: whether the first convolution is pruned, too.
    """

    conv3x3: float = 1.0
    conv1x1: float = 1.0
    depthwise: bool = False
    fully_connected: float = 1.0
    first: bool = False

    def __str__(self) -> str:
        """The kinds that are pruned, such as "3x3 8x, 1x1 4x"."""
        kinds = {"3x3": self.conv3x3, "1x1": self.conv1x1, "depthwise": 9 / 4 if self.depthwise else 1.0}
        kinds |= {"fully connected": self.fully_connected}
        return ", ".join(f"{kind} {rate:g}x" for kind, rate in kinds.items() if rate > 1)

    @property
    def short(self) -> str:
        """As part of a name, such as "8x-fc10x"; different for different rates."""
        kinds = {"": self.conv3x3, "1x1-": self.conv1x1, "fc": self.fully_connected}
        parts = [f"{kind}{rate:g}x" for kind, rate in kinds.items() if rate != 1]
        return "-".join(parts + self.depthwise * ["depthwise"] + self.first * ["first"])


class ModelFiles:
    """Makes model files. A network is given as a key of NETWORKS, or as a Stack.

    folder: where the files are kept; it is made if necessary.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._open = ExitStack()
        self._converter: Isolated | None = None  # TensorFlow takes seconds to start

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._converter = None
        self._open.close()

    def dense(self, net: str | Stack, batch: int = 1) -> Path:
        """The network with random weights."""
        return self._filled(net, None, Rates(), batch)

    def pruned(self, net: str | Stack, structure: str, rates: Rates, batch: int = 1) -> Path:
        """The same weights, pruned and scaled such that activations keep their size."""
        return self._filled(net, structure, rates, batch)

    def int8(self, tflite: Path) -> Path:
        return self._made(tflite, "-int8.tflite", int8.quantise, int8)

    def as_format(self, tflite: Path, suffix: str) -> Path:
        """The same model for others.  suffix: ".tflite", ".mnn", SPARSE_MNN, ".onnx" or ".param" (ncnn)."""
        if suffix == ".tflite":
            return tflite
        if suffix == ".mnn":
            from patternlite.pruning.convert import to_mnn

            return self._made(tflite, suffix, to_mnn)
        if suffix == SPARSE_MNN:
            return self._made(tflite, suffix, mnn_sparse.to_sparse_mnn, mnn_sparse)
        onnx_file = self._made(tflite, ".onnx", onnx.tflite_to_onnx, onnx)
        if suffix == ".onnx":
            return onnx_file
        return self._made(onnx_file, suffix, ncnn_net.onnx_to_ncnn, ncnn_net, python=environment.python())

    def _made(
        self,
        source: Path,
        suffix: str,
        make: Callable[[Path, Path], object],
        *marks: ModuleType,
        python: Path | None = None,
    ) -> Path:
        """`make` writes the file, in a child process.  marks: modules that decide what is in it."""
        mark = f"-{fingerprint(*marks)}" if marks else ""
        target = source.with_name(f"{source.stem}{mark}{suffix}")
        if not target.exists():
            with _whole(target) as beside, Isolated(python) as process:
                process.call(make, source, beside)
        return target

    def _filled(self, net: str | Stack, structure: str | None, rates: Rates, batch: int) -> Path:
        skeleton = self._skeleton(net, batch)
        marks = (skeleton.name, structure, asdict(rates), _SEED, sparse_weights, tflite_weights, fill)
        target = self._folder / f"{net}-{structure or 'dense'}-{fingerprint(*marks)}.tflite"
        if not target.exists():
            model = bytearray(skeleton.read_bytes())
            fill(model, structure, rates)
            write_atomically(target, bytes(model))
        return target

    def _skeleton(self, net: str | Stack, batch: int) -> Path:
        """The network as the converter wrote it."""
        source = stacks if isinstance(net, Stack) else networks
        marks = (source, skeletons, batch, importlib.metadata.version("tensorflow"))
        target = self._folder / f"{net}-{fingerprint(*marks)}.tflite"
        if not target.exists():
            if self._converter is None:
                self._converter = self._open.enter_context(Isolated())
            with _whole(target) as beside:
                self._converter.call(skeletons.convert, net, batch, str(beside))
        return target


@contextmanager
def _whole(target: Path) -> Iterator[Path]:
    """Yields a temporary path for the file and what belongs to it; in the end all is moved, or deleted."""
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        yield Path(folder, target.name)
        for written in sorted(Path(folder).iterdir(), key=lambda path: path.name == target.name):
            os.replace(written, target.with_name(written.name))


def fill(model: bytearray, structure: str | None, rates: Rates) -> None:
    """Random weights (He et al. 2015) for each layer of a .tflite file, pruned if a structure is given."""
    first = True
    for i, layer in enumerate(tflite_weights.layers(model)):
        rng = np.random.default_rng((_SEED, i))
        weights = rng.standard_normal(layer.weights.shape, np.float32)
        fan_in = weights[..., 0].size if layer.kind == "depthwise" else weights[0].size
        weights *= np.float32(np.sqrt(2 / fan_in))
        if structure is not None and (rates.first or not first or layer.kind != "conv"):
            mask = _mask(rng, layer, structure, rates)
            if mask is not None:
                weights *= mask
                weights *= np.float32(np.sqrt(mask.size / max(1, np.count_nonzero(mask))))
        layer.weights[...] = weights
        if layer.bias is not None:
            layer.bias[...] = rng.standard_normal(layer.bias.shape, np.float32) / 16
        first = first and layer.kind != "conv"


def _mask(
    rng: np.random.Generator, layer: tflite_weights.Layer, structure: str, rates: Rates
) -> sparse_weights.Mask | None:
    """The mask, in the weights' own shape; None for a layer that stays dense."""
    shape = layer.weights.shape
    if layer.kind == "fully-connected":
        rate = rates.fully_connected
        return sparse_weights.unstructured_mask(rng, shape, rate, structure) if rate > 1 else None
    filters, height, width, channels = shape
    if layer.kind == "depthwise":
        if not rates.depthwise or (height, width) != (3, 3):
            return None
        return sparse_weights.depthwise_mask(rng, channels).T.reshape(shape)
    if (height, width) == (1, 1) and rates.conv1x1 > 1:
        return sparse_weights.channel_mask(rng, filters, channels, rates.conv1x1, structure).reshape(shape)
    if (height, width) == (3, 3) and rates.conv3x3 > 1:
        mask = sparse_weights.pattern_mask(
            rng,
            filters,
            channels,
            rates.conv3x3,
            structure,
            map_size=min(layer.output[1:3]),
            stride=layer.stride,
        )
        return mask.transpose(0, 2, 1).reshape(shape)
    return None


def fingerprint(*parts: object) -> str:
    """A digest of values by their repr, and of modules and functions by their code without comments."""
    digest = hashlib.sha256()
    for part in parts:
        text = _code(part) if isinstance(part, ModuleType) or callable(part) else repr(part)
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()[:10]


def _code(part: ModuleType | Callable[..., object]) -> str:
    tree = ast.parse(inspect.getsource(part))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            del node.body[0]
    return ast.dump(tree)
