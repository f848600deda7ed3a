"""The stock TFLite runtimes, with one way to run a model in each."""

from __future__ import annotations

import contextlib
import importlib
import warnings
from typing import Any

import numpy as np

RUNTIMES = ("tflite_runtime.interpreter", "ai_edge_litert.interpreter", "tensorflow")


class Runtime:
    """A stock TFLite runtime."""

    def __init__(self, module: str) -> None:
        self.module = module
        imported = importlib.import_module(module)
        self._lite = imported.lite if module == "tensorflow" else imported
        self.load_delegate = (
            imported.lite.experimental.load_delegate if module == "tensorflow" else imported.load_delegate
        )

    def interpreter(self, model: bytes, *delegates: Any, **options: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # tensorflow announces the end of tf.lite
            return self._lite.Interpreter(
                model_content=model, experimental_delegates=list(delegates), **options
            )

    def run(
        self, model: bytes, inputs: list[np.ndarray], *delegates: Any, **options: Any
    ) -> list[np.ndarray]:
        return invoke(self.interpreter(model, *delegates, **options), inputs)


def invoke(interpreter: Any, inputs: list[np.ndarray]) -> list[np.ndarray]:
    """Resizes the inputs to the arrays where needed, poisons the outputs, runs."""
    for detail, array in zip(interpreter.get_input_details(), inputs, strict=True):
        if tuple(detail["shape"]) != array.shape:
            interpreter.resize_tensor_input(detail["index"], array.shape)
    interpreter.allocate_tensors()
    for detail, array in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(detail["index"], array)
    details = interpreter.get_output_details()
    for detail in details:
        if detail["dtype"] != np.float32:
            continue
        with contextlib.suppress(ValueError):  # behind a dynamic tensor it has no memory yet
            interpreter.tensor(detail["index"])()[...] = np.nan
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"]) for detail in details]


def assert_close(actual: list[np.ndarray], expected: list[np.ndarray], tolerance: float = 1e-5) -> None:
    """Within `tolerance` of the largest value of each output; answers of zeros alone show nothing."""
    assert actual
    assert len(actual) == len(expected)
    for a, e in zip(actual, expected, strict=True):
        assert a.shape == e.shape
        assert np.any(e)
        assert np.abs(a - e).max() <= tolerance * np.abs(e).max()
