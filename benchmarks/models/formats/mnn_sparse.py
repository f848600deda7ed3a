"""MNN's own sparse mode: weights in blocks of 4 filters, stored by its converter such that they run sparse.

A file like those of MNN's pruning tools must tell the converter to look for zeros in such blocks. Call it in
a child process (patternlite.support.isolated), for the reasons given in pruning/convert/workers/to_mnn.py.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from patternlite.errors import PatternliteError

BLOCK = 4


def to_sparse_mnn(source: Path, target: Path) -> None:
    """source: a .tflite or .onnx file."""
    import _tools  # type: ignore[import-not-found]  # not the `mnnconvert` script, which reports its use

    with tempfile.NamedTemporaryFile(suffix=".bin") as parameters:
        parameters.write(compression_parameters())
        parameters.flush()
        arguments = ["-f", source.suffix[1:].upper(), "--modelFile", str(source), "--MNNModel", str(target)]
        arguments += ["--bizCode", "patternlite"]
        arguments += ["--detectSparseSpeedUp", "--compressionParamsFile", parameters.name]
        if not _tools.mnnconvert(["mnnconvert", *arguments]) or not target.exists():
            raise PatternliteError(f"MNN's converter wrote no file for {source.name}")


def compression_parameters() -> bytes:
    """A protocol buffer, MNN.Compression.Pipeline: version and one algorithm, PRUNE by SIMD_OC with BLOCK."""

    def message(number: int, content: bytes) -> bytes:
        return bytes([number << 3 | 2, len(content)]) + content

    def integer(number: int, value: int) -> bytes:
        return bytes([number << 3, value])

    prune = integer(1, 1) + message(3, integer(4, BLOCK))
    return message(1, b"0.0.0") + message(2, integer(1, 1) + message(3, prune))
