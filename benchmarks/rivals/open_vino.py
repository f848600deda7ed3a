"""OpenVINO, set up for latency."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from patternlite.runtimes.sessions import Session


class OpenVinoSession(Session):
    """fp32: whether to keep it from computing in bfloat16 on CPUs that can."""

    def __init__(self, path: Path, threads: int, *, fp32: bool) -> None:
        import openvino

        options = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": "1",
            "INFERENCE_NUM_THREADS": str(threads),
        }
        if fp32:
            options["INFERENCE_PRECISION_HINT"] = "f32"
        compiled = openvino.Core().compile_model(str(path), "CPU", options)
        self._request = compiled.create_infer_request()
        n, c, h, w = map(int, compiled.input(0).shape)
        self.input_shape = (n, c, h, w)

    def set_input(self, x: np.ndarray) -> None:
        self._request.get_input_tensor().data[...] = x

    def invoke(self) -> None:
        self._request.infer()

    def output(self) -> np.ndarray:
        return self._request.get_output_tensor().data.copy()
