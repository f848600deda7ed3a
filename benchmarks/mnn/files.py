"""The .mnn files, made once and kept, each with what torch answers.

They go PyTorch -> ONNX -> MNN, as users' do. As in model_files.py a file's name ends in a fingerprint of what
went into it, and a file that is there is right.
"""

from __future__ import annotations

import inspect
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from patternlite.isolated import Isolated
from patternlite.pruning.convert import to_mnn, to_onnx

from .. import sparse_weights
from ..formats import mnn_sparse
from ..model_files import fingerprint
from . import networks

KINDS = ("dense", "pruned", "blocks")

_SEED = 0


@dataclass(frozen=True)
class Recipe:
    """How a network is pruned: how many times fewer weights layers keep.

    net: of networks.NETWORKS.  structure: of 3x3 convolutions, of sparse_weights.py, but not "mix".
    conv3x3: all but the first convolution.  fully_connected: at random; 1 leaves them dense.
    """

    net: str
    structure: str
    conv3x3: float
    fully_connected: float = 1.0


@dataclass(frozen=True)
class MnnFile:
    """answer: an .npy file, what torch answers to `image(net)`."""

    path: Path
    answer: Path


def image(net: str) -> np.ndarray:
    return np.random.default_rng(_SEED).standard_normal(networks.NETWORKS[net][1], np.float32)


def _name(recipe: Recipe, kind: str) -> str:
    """With a mark of all that decides what is in it: the modules, too, that networks are made of."""
    made_of = [inspect.getmodule(part) for part in (networks.SlimResNet18, networks.wide.resnet18)]
    of = recipe if kind != "dense" else recipe.net
    marks = (of, kind, _SEED, sparse_weights, networks, *made_of, mnn_sparse, _prune, _to_sparse_mnn)
    return f"{recipe.net}-{kind}-{fingerprint(*marks)}.mnn"


def mnn_file(folder: Path, recipe: Recipe, kind: str) -> MnnFile:
    """kind: of KINDS; "blocks" has as many weights as "pruned", where MNN's own sparse kernels want them, and
    is stored so that MNN uses these."""
    path = folder.absolute() / _name(recipe, kind)
    file = MnnFile(path, path.with_suffix(".npy"))
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        model = networks.with_random_weights(recipe.net, _SEED)
        if kind != "dense":
            _prune(model, recipe, kind)
        x = image(recipe.net)
        with torch.no_grad():
            np.save(file.answer, model(torch.from_numpy(x)).numpy())
        with tempfile.TemporaryDirectory(dir=folder) as work:
            onnx, made = Path(work, "net.onnx"), Path(work, "net.mnn")
            to_onnx(model, x.shape, onnx)
            if kind == "blocks":
                _to_sparse_mnn(onnx, made)
            else:
                to_mnn(onnx, made)
            os.replace(made, path)
    return file


@torch.no_grad()
def _prune(model: nn.Module, recipe: Recipe, kind: str) -> None:
    """Scales what stays so that activations keep their size."""
    for i, layer in enumerate(_pruned_layers(model, recipe)):
        rng = np.random.default_rng((_SEED, i))
        shape = tuple(layer.weight.shape)
        rate = recipe.conv3x3 if isinstance(layer, nn.Conv2d) else recipe.fully_connected
        if kind == "blocks":
            mask = sparse_weights.unstructured_mask(rng, shape, rate, "blocks")
        elif isinstance(layer, nn.Conv2d):
            mask = sparse_weights.pattern_mask(rng, shape[0], shape[1], rate, recipe.structure)
        else:
            mask = sparse_weights.unstructured_mask(rng, shape, rate)
        scale = np.sqrt(mask.size / max(1, np.count_nonzero(mask)))
        layer.weight *= torch.from_numpy(mask.reshape(shape) * np.float32(scale))


def _pruned_layers(model: nn.Module, recipe: Recipe) -> Iterator[nn.Conv2d | nn.Linear]:
    convolutions = [module for module in model.modules() if isinstance(module, nn.Conv2d)]
    yield from (module for module in convolutions[1:] if module.kernel_size == (3, 3))
    if recipe.fully_connected > 1:
        yield from (module for module in model.modules() if isinstance(module, nn.Linear))


def _to_sparse_mnn(onnx: Path, target: Path) -> None:
    with Isolated() as process:
        process.call(mnn_sparse.to_sparse_mnn, onnx, target)
