"""PyTorch -> ONNX."""

from __future__ import annotations

import contextlib
import io
import os
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from numbers import Integral
from pathlib import Path

import torch
from torch import nn

from ..masks import Masks
from ..model.state import device_of
from .process import PACKAGES, require
from .result import Conversion, ConversionError
from .staging import staged, target_file
from .stamping import put_stamp
from .verify import compare, probe_file, probe_module

OPSET = 17


def to_onnx(
    model: nn.Module, input_shape: Sequence[int], path: str | os.PathLike[str], masks: Masks | None = None
) -> Conversion:
    """Exports an image model as an ONNX file of fixed shapes, and verifies it with onnxruntime.

    Batch normalisations are folded into the convolutions before them. The model is exported in eval mode;
    its mode and weights are as before when this returns.

    Args:
        model: float32, one image tensor in, one tensor out.
        input_shape: (N, C, H, W), usually with N = 1.
        path: the .onnx file to write. Its tensors are called "input" and "output".
        masks: those of a pruned model; the file, and what is converted from it, carry their digest, so that
            `patternlite inspect` can tell whether the zeros are still the same.

    Raises:
        ValueError: weights outside the masks are not zero.
        ConversionError: the export or its verification failed; then nothing is written.
    """
    started = time.perf_counter()
    target = target_file(path, ".onnx")
    require(*PACKAGES[".onnx"])
    shape = tuple(int(n) if isinstance(n, Integral) else n for n in input_shape)
    if len(shape) != 4 or not all(isinstance(n, int) and n > 0 for n in shape):
        raise ConversionError(f"input_shape must be (N, C, H, W) with positive integers, not {shape}")
    _check_float32(model)
    if masks is not None:
        masks.verify(model)
    with _eval_mode(model), staged(target) as work:
        source = probe_module(model, shape)
        _export(model, shape, work)
        if masks is not None:
            put_stamp(masks.stamp(), work)
        check = compare(source, probe_file(work, work.parent, source.inputs))
    return Conversion(path=target, seconds=time.perf_counter() - started, **asdict(check))


def check_model(model: nn.Module, input_shape: Sequence[int]) -> None:
    """Raises the ConversionError that `to_onnx` would raise for this model, before any export."""
    _check_float32(model)
    with _eval_mode(model):
        probe_module(model, tuple(input_shape))


def _check_float32(model: nn.Module) -> None:
    for name, parameter in model.named_parameters():
        if parameter.is_floating_point() and parameter.dtype != torch.float32:
            raise ConversionError(f"{name} is {parameter.dtype}: call model.float() first")


def _export(model: nn.Module, shape: tuple[int, ...], path: Path) -> None:
    device = device_of(model)
    silent = contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO())
    with silent[0], silent[1], warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        try:
            # The TorchScript exporter: onnx2tf turns its graphs into cleaner ones than those of dynamo.
            torch.onnx.export(
                model,
                (torch.zeros(shape, device=device),),
                str(path),
                dynamo=False,
                opset_version=OPSET,
                input_names=["input"],
                output_names=["output"],
            )
        except OSError:
            raise
        except Exception as error:  # the exporter raises errors of many types
            raise ConversionError(f"torch.onnx.export failed: {error}") from error


@contextlib.contextmanager
def _eval_mode(model: nn.Module) -> Iterator[None]:
    """Puts the model into eval mode, and each of its modules back into its own mode."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
