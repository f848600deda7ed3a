"""The plugin for MNN: a forward type for the stock `MNN` package that runs sparse convolutions fast.

    backend = patternlite.mnn.register()
    interpreter = MNN.Interpreter("model.mnn")
    session = interpreter.createSession({"backend": backend, "numThread": 2})

or, with the Module API,

    runtime = MNN.nn.create_runtime_manager(({"backend": backend, "numThread": 2},))
    net = MNN.nn.load_module_from_file("model.mnn", [], [], runtime_manager=runtime)

(`load_module_from_file(..., backend=8)` does not work: MNN takes no number there.) Sessions of other
backends, "CPU" among them, are not affected.
"""

from __future__ import annotations

import importlib
import os
import threading
from types import ModuleType
from typing import Any

from .errors import PatternliteError
from .native import load_native

__all__ = ["RegistrationError", "inspect_layers", "layers", "register", "supported_versions"]


class RegistrationError(PatternliteError, RuntimeError):
    """The installed MNN is not one the plugin fits; MNN goes on working without it."""


def supported_versions() -> list[str]:
    """The versions of MNN whose internals the plugin knows."""
    versions: list[str] = _native().mnn_supported_versions()
    return versions


def register(*, force: bool | None = None) -> int:
    """Registers the backend with MNN, once a process, and returns the forward type to select it by.

    force: whether sessions created from now on take every convolution that the backend can run, even
        where MNN is expected to be faster. None: as before (at first: no).

    Raises ImportError when MNN or the package's compiled part is missing, and RegistrationError, naming
    the version found and those supported, when MNN is of another version or laid out differently.
    """
    native = _native()
    try:
        importlib.import_module("MNN")
        engine = importlib.import_module("_mnncengine")
    except ImportError as error:
        raise ImportError(f"MNN cannot be imported ({error}); run: pip install 'patternlite[mnn]'") from error
    try:
        backend: int = native.mnn_register(str(engine.__file__), supported_versions())
    except RuntimeError as error:
        raise RegistrationError(str(error)) from None
    if force is not None:
        native.mnn_take_all(force)
    return backend


def layers() -> list[dict[str, Any]]:
    """One row per convolution of the newest session that uses the backend and still exists.

    Rows have the fields name, kind, filters, channels, height, width, dense_macs, kept_macs,
    kernels_kept, patterns, reason, kernel; kernel is "stock" where MNN runs the layer itself.
    """
    return next((s["layers"] for s in reversed(_native().mnn_sessions()) if s["layers"]), [])


def inspect_layers(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """The rows of `layers` for a model file, for the input shape stored in it.

    Raises PatternliteError when MNN cannot open the file or it leaves the shape of its input open.
    """
    backend = register()
    mnn = importlib.import_module("MNN")
    path = os.fspath(path)
    if not os.path.isfile(path):
        raise PatternliteError(f"{path} does not exist")
    try:
        interpreter = mnn.Interpreter(path)
    except Exception as error:
        raise PatternliteError(f"{path} is not an MNN file; convert the model again") from error
    before = max((s["number"] for s in _native().mnn_sessions()), default=0)
    session = interpreter.createSession({"backend": backend, "numThread": 1})
    shapes = {name: tensor.getShape() for name, tensor in interpreter.getSessionInputAll(session).items()}
    if unknown := {name: shape for name, shape in shapes.items() if any(n < 1 for n in shape)}:
        raise PatternliteError(
            f"{path} leaves input shapes open ({unknown}); convert the model with fixed ones"
        )
    thread = threading.get_native_id()
    ours = [s for s in _native().mnn_sessions() if s["number"] > before and s["thread"] == thread]
    return [layer for s in ours for layer in s["layers"]]


def _native() -> ModuleType:
    native = load_native()
    if not hasattr(native, "mnn_register"):
        raise RegistrationError(
            "this build of patternlite has no backend for MNN: there is one for Linux only"
        )
    return native
