"""A float32 .tflite file quantised to int8 after training, as TFLite's converter does it.

Call it in a process of its own (patternlite.support.isolated): it imports TensorFlow.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

_IMAGES = 8  # to calibrate with: normally distributed, like those that the benchmark runs on


def quantise(source: Path, target: Path) -> None:
    """Weights per channel and activations int8; input and output stay float32."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from tensorflow.lite.python import interpreter
    from tensorflow.lite.python.convert import mlir_quantize
    from tensorflow.lite.python.optimize.calibrator import Calibrator

    model = source.read_bytes()
    shape = interpreter.Interpreter(model_content=model).get_input_details()[0]["shape"]

    def images() -> Iterator[list[np.ndarray]]:
        rng = np.random.default_rng(1)
        for _ in range(_IMAGES):
            yield [rng.standard_normal(shape, np.float32)]

    target.write_bytes(mlir_quantize(Calibrator(model).calibrate(images)))
