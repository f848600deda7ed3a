"""ONNX or TFLite -> MNN."""

from __future__ import annotations

import os
import time
from dataclasses import asdict

from .process import PACKAGES, packages_to_run, require, run_worker
from .result import Conversion
from .staging import source_file, staged, target_file
from .stamping import stamp_in
from .verify import compare, probe_file

_TOLERANCE = 1e-3  # MNN's converter approximates any GELU by tanh


def to_mnn(model_path: str | os.PathLike[str], path: str | os.PathLike[str]) -> Conversion:
    """Converts an ONNX or TFLite image model to an MNN file, and verifies it in stock MNN on the CPU.

    The input keeps the layout and name it has in the source. The file carries the stamp of the masks that
    the source has, if any, as its bizCode.

    Args:
        model_path: a .onnx or .tflite file of fixed shapes with one float32 4-D input.
        path: the .mnn file to write.

    Raises:
        ConversionError: the conversion or its verification failed; then nothing is written.
    """
    started = time.perf_counter()
    source = source_file(model_path, ".onnx", ".tflite")
    target = target_file(path, ".mnn")
    require(*packages_to_run(source.suffix), *PACKAGES[".mnn"])
    with staged(target) as work:
        expected = probe_file(source, work.parent)
        run_worker("to_mnn", source, work, stamp_in(source), folder=work.parent)
        check = compare(expected, probe_file(work, work.parent, expected.inputs), _TOLERANCE)
    return Conversion(path=target, seconds=time.perf_counter() - started, **asdict(check))
