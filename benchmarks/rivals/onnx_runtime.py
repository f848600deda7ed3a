"""ONNX Runtime on the CPU, with all graph optimisations, as by default."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from patternlite.runtimes.sessions import Session


class OnnxRuntimeSession(Session):
    def __init__(self, path: Path, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        (entry,) = self._session.get_inputs()
        self.input_shape = tuple(entry.shape)
        self._name = entry.name

    def set_input(self, x: np.ndarray) -> None:
        self._feed = {self._name: np.ascontiguousarray(x)}

    def invoke(self) -> None:
        (self._output,) = self._session.run(None, self._feed)

    def output(self) -> np.ndarray:
        return self._output
