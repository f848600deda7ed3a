"""ncnn with its defaults (Winograd, packed layouts), and its converter, pnnx."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from patternlite.errors import PatternliteError
from patternlite.runtimes.sessions import Session


class NcnnSession(Session):
    """path: the .param file, with the weights beside it in .bin. A batch is a loop, since ncnn has none."""

    def __init__(self, path: Path, threads: int) -> None:
        import ncnn

        self._ncnn = ncnn
        self._net = ncnn.Net()
        self._net.opt.num_threads = threads
        if self._net.load_param(str(path)) or self._net.load_model(str(path.with_suffix(".bin"))):
            raise PatternliteError(f"ncnn cannot open {path.name}")
        shape = path.with_suffix(".shape").read_text().split(",")
        self.input_shape = tuple(map(int, shape))  # type: ignore[assignment]

    def set_input(self, x: np.ndarray) -> None:
        self._images = [self._ncnn.Mat(image).clone() for image in np.ascontiguousarray(x)]

    def invoke(self) -> None:
        self._answers = []
        for image in self._images:
            extractor = self._net.create_extractor()
            extractor.input("in0", image)
            self._answers.append(extractor.extract("out0")[1])

    def output(self) -> np.ndarray:
        return np.stack([np.array(answer) for answer in self._answers])


def onnx_to_ncnn(source: Path, target: Path) -> None:
    """Writes `target` (.param), and beside it .bin and .shape, which holds the input's shape."""
    import onnx
    import pnnx

    dimensions = onnx.load(str(source), load_external_data=False).graph.input[0].type.tensor_type.shape.dim
    shape = ",".join(str(d.dim_value) for d in dimensions)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        link = Path(folder, "net.onnx")
        link.symlink_to(source.absolute())
        program = Path(pnnx.__file__).with_name("pnnx")
        one = "1," + shape.partition(",")[2]
        run = subprocess.run(
            [program, link, f"inputshape=[{one}]f32", "fp16=0"], cwd=folder, capture_output=True, text=True
        )
        if run.returncode or not Path(folder, "net.ncnn.param").exists():
            raise PatternliteError(f"pnnx cannot convert {source.name}: {run.stderr.strip()[-300:]}")
        os.replace(Path(folder, "net.ncnn.bin"), target.with_suffix(".bin"))
        target.with_suffix(".shape").write_text(shape)
        os.replace(Path(folder, "net.ncnn.param"), target)
