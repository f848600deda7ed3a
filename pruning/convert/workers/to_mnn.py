"""Child program: to_mnn.py SOURCE.onnx|SOURCE.tflite TARGET.mnn [STAMP]

STAMP is a text that the file carries as its bizCode.

Enters MNN's converter at its C function. The `mnnconvert` script of the wheel would first install a package
and report the use to a server.
"""

from __future__ import annotations

import os
import sys

import _tools

_FORMATS = {".onnx": "ONNX", ".tflite": "TFLITE"}


def main(source: str, target: str, stamp: str = "") -> None:
    kind = _FORMATS[os.path.splitext(source)[1]]
    arguments = ["-f", kind, "--modelFile", source, "--MNNModel", target, "--bizCode", stamp or "patternlite"]
    converted = _tools.mnnconvert(["mnnconvert", *arguments])
    # It returns True even for a file that is no ONNX model at all.
    if not converted or not os.path.exists(target):
        sys.exit("MNN's converter wrote no file")


if __name__ == "__main__":
    main(*sys.argv[1:])
