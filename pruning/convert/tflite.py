"""ONNX -> TFLite."""

from __future__ import annotations

import os
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from .process import PACKAGES, require, run_worker
from .result import Conversion, ConversionError
from .staging import source_file, staged, target_file
from .stamping import stamp_in
from .verify import Check, Probe, compare, probe_file


def to_tflite(onnx_path: str | os.PathLike[str], path: str | os.PathLike[str]) -> Conversion:
    """Converts an ONNX image model to a float32 TFLite file, and verifies it in a stock TFLite runtime.

    The input becomes (N, H, W, C). The file has the signature "serving_default" with "input" and "output",
    and carries the stamp of the masks that the source has, if any, as metadata.

    Args:
        onnx_path: a .onnx file of fixed shapes with one float32 input (N, C, H, W), as from `to_onnx`.
        path: the .tflite file to write.

    Raises:
        ConversionError: the conversion or its verification failed; then nothing is written.
    """
    started = time.perf_counter()
    source = source_file(onnx_path, ".onnx")
    target = target_file(path, ".tflite")
    require(*PACKAGES[".onnx"], *PACKAGES[".tflite"])
    with staged(target) as work:
        expected = probe_file(source, work.parent)
        stamp = stamp_in(source)
        try:
            check = _convert(source, work, expected, "fast", stamp)
        except ConversionError:
            # Strict mode compares every operation with onnxruntime and corrects transpositions: much slower.
            check = _convert(source, work, expected, "strict", stamp)
    return Conversion(path=target, seconds=time.perf_counter() - started, **asdict(check))


def _convert(source: Path, work: Path, expected: Probe, mode: str, stamp: str) -> Check:
    folder = work.parent / mode
    folder.mkdir()
    run_worker("onnx_to_tflite", source, work, mode, stamp, folder=folder)
    nhwc = np.ascontiguousarray(expected.inputs.transpose(0, 1, 3, 4, 2))
    return compare(expected, probe_file(work, folder, nhwc))
