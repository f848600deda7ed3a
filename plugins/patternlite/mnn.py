"""The plugin for MNN: a forward type for the stock `MNN` package that runs sparse convolutions fast.

    backend = patternlite.mnn.register()
    interpreter = MNN.Interpreter("model.mnn")
    session = interpreter.createSession({"backend": backend, "numThread": 2})

or, with the Module API,

    runtime = MNN.nn.create_runtime_manager(({"backend": backend, "numThread": 2},))
    net = MNN.nn.load_module_from_file("model.mnn", [], [], runtime_manager=runtime)

`print(patternlite.mnn.stats(session))`, or `stats(runtime)` with the Module API, shows what runs where, and
raises NotUsedError if the plugin is not used: MNN itself silently takes another backend if it does not know
the one asked for. `load_module_from_file(..., backend=backend)` works as well, but leaves nothing to ask for
statistics; MNN takes any number there for that of Metal, which Linux does not have, so modules that ask for
Metal get the plugin, too. Sessions with other backends, such as "CPU", are not affected. Tensors between two
of our layers exist in our own layout only: a callback that looks at them sees nothing useful unless the
session was created with their names under "saveTensors".

What a layer saves is estimated when MNN makes it, from the size of its maps at that time; later sizes only
scale that estimate. So give a session its usual image size first, and do not use `rearrange=True`, with which
MNN makes the layers while it loads, for maps of 2x2.
"""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from .errors import PatternliteError
from .layers import text_table
from .runtimes.sessions import mnn_interpreter, require_sizes
from .support.files import require_file
from .support.native import load_native

__all__ = [
    "NotUsedError",
    "RegistrationError",
    "SessionStats",
    "inspect_file",
    "register",
    "stats",
    "supported_versions",
]


class RegistrationError(PatternliteError, RuntimeError):
    """The plugin does not fit the installed MNN, which goes on working without it."""


class NotUsedError(PatternliteError, RuntimeError):
    """MNN runs the session alone, or has not made its layers yet, or the session cannot be told from others;
    the message says what to do.
    """


@dataclass(frozen=True)
class SessionStats:
    """What became of a session; `str()` gives a table.

    layers: one dict per convolution that MNN runs (a grouped one of the model may be several), in the order
        in which they run, module after module; the keys are those of `Inspection.layers`. A layer that was
        left to MNN when MNN made it has the size it had then.
    isa: the instruction set of our kernels; empty if none run.
    fused_additions: residual additions done within a convolution.
    private_tensors: tensors between our layers that are never in MNN's layout.
    conversions: tensors converted from MNN's layout to ours or back in each inference.
    activation_bytes, weight_bytes: memory that our layers hold, besides MNN's own. Weights that clones share
        count once; those packed for the previous size, kept in case it comes again, count as well.
    """

    layers: list[dict[str, Any]]
    isa: str
    fused_additions: int
    private_tensors: int
    conversions: int
    activation_bytes: int
    weight_bytes: int

    def __str__(self) -> str:
        ours = sum(layer["kernel"] != "stock" for layer in self.layers)
        return (
            f"{text_table(self.layers)}\n"
            f"{ours} of {len(self.layers)} layers run in patternlite{f' ({self.isa})' if self.isa else ''}: "
            f"{self.fused_additions} additions fused, {self.private_tensors} private tensors, "
            f"{self.conversions} conversions, {self.activation_bytes / 1e6:.1f} MB of activations, "
            f"{self.weight_bytes / 1e6:.1f} MB of weights"
        )


def supported_versions() -> list[str]:
    """The versions of MNN whose internals the plugin knows."""
    versions: list[str] = _native().mnn_supported_versions()
    return versions


def register(*, force: bool | None = None) -> int:
    """Registers the backend with MNN, once per process, and returns the forward type that selects it.

    force: whether to take, of the layers that MNN makes from now on, all that the backend can run, even where
        MNN is expected to be faster. (MNN makes a session's layers when it first has its sizes, and a
        module's in its first run.) None leaves this as it is; at first it is False.

    Raises ImportError when MNN or the package's compiled part is missing, RegistrationError, naming the
    version found and those supported, when MNN is of another version or laid out differently, TypeError for
    any other value of `force`, and ValueError when PATTERNLITE_ISA names no instruction set of this machine.
    """
    if force is not None and not isinstance(force, bool):
        raise TypeError(f"register() takes force=True, False or None, not {force!r}")
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


def stats(session: Any) -> SessionStats:
    """What runs where in an MNN.Session, or in all modules and clones of an MNN.nn.RuntimeManager.

    A manager's statistics include those of the plugin's other managers: MNN has one runtime for them all.

    session: its interpreter must still exist, since MNN frees the session with it.

    Raises NotUsedError when the session was created without the plugin, or when MNN has not made its layers
    yet: it makes them when it has the session's input sizes, or when it runs a module for the first time.
    """
    native = _native()
    mnn = importlib.import_module("MNN")
    if isinstance(session, mnn.Session):
        report = native.mnn_session_report
        remedy = "give the session its input sizes (resizeSession) first"
    elif isinstance(session, importlib.import_module("MNN.nn").RuntimeManager):
        report = native.mnn_manager_report
        remedy = "load a module with this manager, not dynamic=True, keep it and call its forward() first"
    else:
        raise TypeError(
            f"stats() takes an MNN.Session or an MNN.nn.RuntimeManager, not {type(session).__name__}; of a "
            "module, give the runtime manager that it was loaded with"
        )
    register()
    try:
        parts = report(session)
    except RuntimeError as error:
        raise NotUsedError(str(error)) from None
    if parts is None:
        raise NotUsedError(
            "MNN runs this session alone: it was not created with patternlite's backend; call "
            'patternlite.mnn.register() first and create it with {"backend": what register() returns}'
        )
    if not parts:
        raise NotUsedError(f"MNN has made no layers with the plugin yet: {remedy}")
    sums = {
        key: sum(part[key] for part in parts)
        for key in (
            "fused_additions",
            "private_tensors",
            "conversions",
            "activation_bytes",
            "weight_bytes",
        )
    }
    return SessionStats(
        layers=[layer for part in parts for layer in part["layers"]],
        isa=next((part["isa"] for part in parts if part["isa"]), ""),
        **sums,
    )


def inspect_file(path: str | os.PathLike[str]) -> SessionStats:
    """`stats` of a session made for a model file, with the input shape stored in it.

    Raises PatternliteError when MNN cannot open the file or the file leaves the shape of its input open.
    """
    backend = register()
    path = os.fspath(path)
    require_file(path)
    interpreter = mnn_interpreter(path)
    session = interpreter.createSession({"backend": backend, "numThread": 1})
    shapes = {name: tensor.getShape() for name, tensor in interpreter.getSessionInputAll(session).items()}
    if unknown := {name: shape for name, shape in shapes.items() if any(n < 1 for n in shape)}:
        raise PatternliteError(
            f"{path} leaves input shapes open ({unknown}); convert the model with fixed ones"
        )
    require_sizes(path, interpreter, session)
    return stats(session)


def _native() -> ModuleType:
    native = load_native()
    if not hasattr(native, "mnn_register"):
        raise RegistrationError(
            "this build of patternlite has no backend for MNN: there is one for Linux only"
        )
    return native
