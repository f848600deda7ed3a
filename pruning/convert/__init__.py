"""Pruned PyTorch models to ordinary .onnx, .tflite and .mnn files, each step verified.

    onnx = to_onnx(model, (1, 3, 224, 224), "net.onnx")
    to_tflite(onnx, "net.tflite")
    to_mnn(onnx, "net.mnn")

Every file is run by a stock runtime and compared with its source, and the zeros of pruned convolutions are
looked up in it, before it takes its place; otherwise a ConversionError says what went wrong.
"""

from __future__ import annotations

from .mnn import to_mnn
from .onnx import check_model, to_onnx
from .process import PACKAGES
from .result import Conversion, ConversionError
from .tflite import to_tflite

CONVERTERS = {".tflite": to_tflite, ".mnn": to_mnn}  # of a .onnx file, by what they write

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
