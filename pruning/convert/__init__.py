"""Converts pruned PyTorch models to ordinary .onnx, .tflite and .mnn files, and verifies each step.

    onnx = to_onnx(model, (1, 3, 224, 224), "net.onnx")
    to_tflite(onnx, "net.tflite")
    to_mnn(onnx, "net.mnn")

Before a file is put in place, a stock runtime runs it, its outputs are compared with its source's, and the
zeros of pruned convolutions are checked. If anything is wrong, a ConversionError says what.
"""

from __future__ import annotations

from .mnn import to_mnn
from .onnx import check_model, to_onnx
from .process import PACKAGES
from .result import Conversion, ConversionError
from .tflite import to_tflite

CONVERTERS = {".tflite": to_tflite, ".mnn": to_mnn}  # from a .onnx file, by the suffix of their target

__all__ = [
    "CONVERTERS",
    "PACKAGES",
    "Conversion",
    "ConversionError",
    "check_model",
    "to_mnn",
    "to_onnx",
    "to_tflite",
]
