"""A model open in a stock runtime, with or without our plugin, through one interface for all runtimes."""

from __future__ import annotations

import importlib
import warnings
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import PatternliteError, one_line
from ..support.files import require_file
from .installed import MOST_THREADS, Runtime, require_installed

if TYPE_CHECKING:
    from ..tflite import Delegate


class Session(ABC):
    """A loaded model with one float32 image input of fixed shape and one output.

    input_shape: (N, C, H, W), whatever layout the file uses.
    """

    input_shape: tuple[int, int, int, int]

    @abstractmethod
    def set_input(self, x: np.ndarray) -> None:
        """x: float32 (N, C, H, W)."""

    def restore_input(self) -> None:  # noqa: B027
        """Sets the last input once more, if `invoke` may have overwritten it."""

    @abstractmethod
    def invoke(self) -> None: ...

    def kernels(self) -> list[str]:
        """The plugin's kernel for each convolution, "stock" if it leaves one; empty without the plugin."""
        return []

    @abstractmethod
    def output(self) -> np.ndarray:
        """A copy of the output of the last `invoke`, in the layout that the file gives it."""

    def run(self, x: np.ndarray) -> np.ndarray:
        self.set_input(x)
        self.invoke()
        return self.output()


def open_session(runtime: Runtime, path: Path | str, *, threads: int = 1, plugin: bool = False) -> Session:
    """Loads a model in a runtime, with our plugin or as stock.

    Raises PatternliteError when the file, the runtime or the plugin is missing or they do not fit together.
    """
    path = Path(path)
    if path.suffix != runtime.suffix:
        raise PatternliteError(f"{runtime.name} runs {runtime.suffix} files, not {path.name}")
    require_file(path)
    if not 1 <= threads <= MOST_THREADS:
        raise PatternliteError(f"threads must be from 1 to {MOST_THREADS}, not {threads}")
    require_installed(runtime)
    session = MnnSession if runtime.suffix == ".mnn" else TfliteSession
    try:
        return session(runtime, path, threads, plugin)
    except PatternliteError:
        raise
    except Exception as error:  # each runtime raises errors of its own types
        raise PatternliteError(f"{runtime.name} cannot open {path.name}: {one_line(error)}") from error


def is_tflite(path: Path) -> bool:
    """Whether the file begins with TFLite's identifier."""
    with path.open("rb") as file:
        return file.read(8)[4:] == b"TFL3"


def tflite_interpreter(runtime: Runtime) -> Any:
    """The runtime's Interpreter class."""
    module = importlib.import_module(runtime.module)
    return module.lite.Interpreter if runtime.module == "tensorflow" else module.Interpreter


def mnn_interpreter(path: Path | str) -> Any:
    """An MNN.Interpreter for a file; PatternliteError if MNN cannot read it."""
    mnn = importlib.import_module("MNN")
    try:
        return mnn.Interpreter(str(path))
    except Exception as error:
        raise PatternliteError(f"{path} is not an MNN file; convert the model again") from error


def mnn_values(tensor: Any) -> np.ndarray:
    """A copy of one of MNN's output tensors, in its own layout."""
    host = importlib.import_module("MNN").Tensor(tensor, tensor.getDimensionType())
    if not tensor.copyToHostTensor(host):
        raise PatternliteError("MNN cannot copy the model's output: convert it with a float32 one")
    return np.array(host.getNumpyData()).reshape(tensor.getShape())


class TfliteSession(Session):
    """tflite-runtime, ai-edge-litert or tensorflow.lite."""

    def __init__(self, runtime: Runtime, path: Path, threads: int, plugin: bool) -> None:
        if not is_tflite(path):
            raise PatternliteError(f"{path} is not a TFLite file; convert the model again")
        interpreter = tflite_interpreter(runtime)
        options: dict[str, Any] = {"num_threads": threads}
        self._delegates: list[Delegate] = []
        if plugin:
            from ..tflite import load_delegate

            self._delegates = [load_delegate(num_threads=threads)]
            options["experimental_delegates"] = self._delegates
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # tensorflow announces the end of tf.lite
            self._interpreter = interpreter(str(path), **options)
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        shape = tuple(int(n) for n in inputs[0]["shape"]) if inputs else ()
        float32 = all(details["dtype"] == np.float32 for details in inputs)
        _require_image_model(path, len(inputs), len(outputs), shape, float32)
        require_fixed_sizes(path, inputs)
        self._interpreter.allocate_tensors()
        self._input, self._output = inputs[0]["index"], outputs[0]["index"]
        n, h, w, c = shape
        self.input_shape = (n, c, h, w)

    def set_input(self, x: np.ndarray) -> None:
        self._interpreter.set_tensor(self._input, np.ascontiguousarray(x.transpose(0, 2, 3, 1)))

    def invoke(self) -> None:
        self._interpreter.invoke()

    def output(self) -> np.ndarray:
        return self._interpreter.get_tensor(self._output)

    def kernels(self) -> list[str]:
        return [layer["kernel"] for delegate in self._delegates for layer in delegate.layers]


class MnnSession(Session):
    """MNN's interpreter API."""

    def __init__(self, runtime: Runtime, path: Path, threads: int, plugin: bool) -> None:
        self._mnn = importlib.import_module(runtime.module)
        self._plugin = plugin
        backend: str | int = "CPU"
        if plugin:
            from ..mnn import register

            backend = register()
        self._interpreter = mnn_interpreter(path)
        self._session = self._interpreter.createSession({"backend": backend, "numThread": threads})
        inputs = self._interpreter.getSessionInputAll(self._session)
        outputs = self._interpreter.getSessionOutputAll(self._session)
        self._input = self._interpreter.getSessionInput(self._session)
        self._result = self._interpreter.getSessionOutput(self._session)
        shape = tuple(int(n) for n in self._input.getShape())
        float32 = self._input.getDataType() == self._mnn.Halide_Type_Float
        _require_image_model(path, len(inputs), len(outputs), shape, float32)
        require_sizes(path, self._interpreter, self._session)
        self._nhwc = self._input.getDimensionType() == self._mnn.Tensor_DimensionType_Tensorflow
        n, c, h, w = (shape[i] for i in ((0, 3, 1, 2) if self._nhwc else (0, 1, 2, 3)))
        self.input_shape = (n, c, h, w)

    def set_input(self, x: np.ndarray) -> None:
        if x.shape != self.input_shape:  # MNN would read beyond its end
            raise ValueError(f"the input is of shape {x.shape}, the model reads {self.input_shape}")
        layout = self._mnn.Tensor_DimensionType_Caffe
        if self._nhwc:
            x, layout = x.transpose(0, 2, 3, 1), self._mnn.Tensor_DimensionType_Tensorflow
        data = np.ascontiguousarray(x)
        self._image = self._mnn.Tensor(data.shape, self._mnn.Halide_Type_Float, data, layout)
        self.restore_input()

    def restore_input(self) -> None:
        """MNN reuses the input's memory for other tensors once it has been read."""
        self._input.copyFrom(self._image)

    def invoke(self) -> None:
        self._interpreter.runSession(self._session)

    def output(self) -> np.ndarray:
        return mnn_values(self._result)

    def kernels(self) -> list[str]:
        if not self._plugin:
            return []
        from ..mnn import stats

        return [layer["kernel"] for layer in stats(self._session).layers]


def _require_image_model(
    path: Path, inputs: int, outputs: int, shape: tuple[int, ...], float32: bool
) -> None:
    if inputs != 1 or outputs != 1 or len(shape) != 4 or min(shape) < 1 or not float32:
        raise PatternliteError(
            f"{path.name} has {inputs} inputs, {outputs} outputs and a first input of shape {shape}"
            f"{'' if float32 else ' that is not float32'}: only models of one float32 image input with fixed "
            "shape and one output can be run here"
        )


def require_fixed_sizes(path: Path, inputs: list[dict[str, Any]]) -> None:
    """PatternliteError unless image sizes are fixed. Only the batch may be open: then models run one image.

    inputs: a TFLite interpreter's `get_input_details()`.
    """
    if any(n < 0 for details in inputs for n in details["shape_signature"][1:]):  # TFLite would take 1 pixel
        raise PatternliteError(f"{path.name} leaves the size of its images open: convert it with a fixed one")


def require_sizes(path: Path | str, interpreter: Any, session: Any) -> None:
    """PatternliteError unless MNN could give all tensors their sizes.

    interpreter, session: MNN's, with inputs of fixed shapes.
    """
    resize_status = 3  # MNN.Interpreter's SessionInfoCode; 0: ready to run
    if interpreter.getSessionInfo(session, resize_status) != 0:
        raise PatternliteError(
            f"MNN's interpreter cannot run {path}: it has control flow, or sizes that depend on values; load "
            "it with MNN.nn.load_module_from_file and ask patternlite.mnn.stats of its runtime manager"
        )
