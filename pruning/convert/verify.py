"""Does a converted file still compute the same function, and are the pruned zeros still there?

Each file is run by a stock runtime (onnxruntime, a TFLite interpreter, MNN on the CPU) on a few seeded
random inputs and compared with the file it was made from.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from patternlite.runtimes.timing import relative_difference
from patternlite.stored.parts import take

from ..model.state import device_of
from .process import run_worker
from .result import ConversionError
from .workers.probe import SAMPLES, SEED

Array = NDArray[Any]

TOLERANCE = 1e-4
MIN_SPARSITY = 0.1  # a convolution with fewer zeros was not pruned


@dataclass(frozen=True)
class Probe:
    """What a model computed and where its convolution weights are zero.

    Attributes:
        inputs, outputs: (samples, ...), in the model's own layout.
        zeros: per convolution, in execution order, a bool array (O, I/groups, H, W): weight == 0.
    """

    inputs: Array
    outputs: Array
    zeros: list[Array]

    def __post_init__(self) -> None:
        if not self.outputs.size:
            raise ConversionError("the model answers with nothing: its output is empty")


@dataclass(frozen=True)
class Check:
    """The outcome of a comparison that passed; the fields of `Conversion`."""

    max_relative_error: float
    convs_checked: int
    zeros_checked: int


def probe_module(model: nn.Module, input_shape: tuple[int, ...]) -> Probe:
    """Runs a PyTorch model, which is in eval mode; its nn.Conv2d layers are recorded as they are called."""
    zeros: list[Array] = []

    def record(layer: nn.Module, _inputs: object, _output: object) -> None:
        assert isinstance(layer, nn.Conv2d)
        zeros.append((layer.weight.detach() == 0).cpu().numpy())

    hooks = [layer.register_forward_hook(record) for layer in model.modules() if isinstance(layer, nn.Conv2d)]
    device = device_of(model)
    shape = (SAMPLES, *input_shape)
    inputs = np.random.default_rng(SEED).standard_normal(shape, dtype=np.float32)
    outputs = []
    try:
        with torch.no_grad():
            for x in torch.from_numpy(inputs):
                zeros.clear()  # keep one pass
                outputs.append(model(x.to(device)))
    except Exception as error:  # whatever a user's forward() raises
        raise ConversionError(f"the model does not run on a float32 input {input_shape}: {error}") from error
    finally:
        for hook in hooks:
            hook.remove()
    if not isinstance(outputs[0], Tensor):
        raise ConversionError(f"the model must return one tensor, not {type(outputs[0]).__name__}")
    return Probe(inputs, torch.stack(outputs).float().cpu().numpy(), zeros)


def probe_file(path: Path, folder: Path, inputs: Array | None = None) -> Probe:
    """Runs a .onnx, .tflite or .mnn file in a child process; draws the inputs if none are given.

    `folder` takes the intermediate files.
    """
    given: str | Path = "-"
    if inputs is not None:
        given = folder / "inputs.npy"
        np.save(given, inputs)
    result = folder / f"{path.suffix[1:]}.npz"
    try:
        run_worker("probe", path, given, result, folder=folder)
    except ConversionError as error:
        raise ConversionError(f"{path.name} does not run in its stock runtime: {error}") from error
    with np.load(result) as arrays:
        if "refused" in arrays:
            raise ConversionError(f"{path.name}: {arrays['refused']}")
        zeros = [arrays[f"zeros_{i}"] for i in range(len(arrays.files) - 2)]
        return Probe(arrays["inputs"], arrays["outputs"], zeros)


def compare(source: Probe, target: Probe, tolerance: float = TOLERANCE) -> Check:
    """Compares outputs and zeros.

    Raises:
        ConversionError: the outputs differ by more than this part of the source's output range, or zeros of a
            pruned convolution (>= MIN_SPARSITY) are missing or moved.
    """
    error = _relative_error(source.outputs, target.outputs)
    if not error <= tolerance:
        raise ConversionError(
            f"the converted model computes something else: largest error {error:.2e} of the output range, "
            f"allowed {tolerance:.0e}"
        )
    convs, zeros = _check_zeros(source.zeros, target.zeros)
    return Check(error, convs, zeros)


def _relative_error(expected: Array, actual: Array) -> float:
    if not np.isfinite(expected).all():
        raise ConversionError("the source model returns NaN or infinity on normally distributed inputs")
    candidates = [actual]
    if actual.ndim == 5:  # (sample, N, H, W, C): converters to NHWC may keep an image output in it
        candidates.append(actual.transpose(0, 1, 4, 2, 3))
    candidates = [c for c in candidates if c.shape == expected.shape]
    if not candidates:
        raise ConversionError(f"the output shape changed from {expected.shape[1:]} to {actual.shape[1:]}")
    return min(relative_difference(expected, candidate) for candidate in candidates)


def _check_zeros(source: list[Array], target: list[Array]) -> tuple[int, int]:
    """Finds each pruned source convolution in the target; returns how many, and their zeros."""
    pruned = [zeros for zeros in source if zeros.mean() >= MIN_SPARSITY]
    left = list(target)
    missing = pruned
    for same in (np.array_equal, _equal_or_filter_gone):
        missing = [zeros for zeros in missing if not take(left, zeros.shape, partial(same, zeros))]
    if missing:
        zeros = missing[0]
        same_shape = [int(other.sum()) for other in left if other.shape == zeros.shape]
        raise ConversionError(
            f"the zeros of {len(missing)} of {len(pruned)} pruned convolutions are not intact; the first has "
            f"weights {zeros.shape} with {int(zeros.sum())} zeros, unmatched convolutions of this shape in "
            f"the converted file have {same_shape or 'none'}"
        )
    return len(pruned), sum(int(zeros.sum()) for zeros in pruned)


def _equal_or_filter_gone(zeros: Array, other: Array) -> bool:
    """Folding a batch normalisation whose scale is 0 turns a whole filter into zeros."""
    kept = ~other.all(axis=(1, 2, 3))
    return np.array_equal(zeros[kept], other[kept])
