"""Whatever runs a model file, with one small adaptor each. A new rival is one more entry in RIVALS."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from patternlite.runtimes.installed import RUNTIMES, Runtime, runtime_named
from patternlite.runtimes.latency import TOLERANCE
from patternlite.runtimes.sessions import Session, open_session

from . import environment
from .ncnn_net import NcnnSession
from .onnx_runtime import OnnxRuntimeSession
from .open_vino import OpenVinoSession
from .torch_compiled import TorchSession
from .tuning import budget, missing, tuning_folder
from .tvm_relax import TvmSession

SPARSE_MNN = "-sparse.mnn"


@dataclass(frozen=True)
class Rival:
    """A runtime, with our plugin or without.

    plugin: whether it is with our plugin.
    process: rivals with the same name here share one process; others must not.
    suffix: of the files it runs.  version: None if it is not installed.
    open: (file, threads) -> the loaded model.
    tolerance: how far its answers may be off, relative to their range.
    apart: whether it is installed in the rivals' own environment.
    note: what must be known about a model's preparation.
    missing: what a file needs before it can run, with the command for it; empty for nothing.
    """

    process: str
    suffix: str
    version: Callable[[], str | None]
    open: Callable[[Path, int], Session]
    tolerance: float = TOLERANCE
    apart: bool = False
    plugin: bool = False
    note: Callable[[Path], str] = lambda path: ""
    missing: Callable[[Path], str] = lambda path: ""

    @property
    def python(self) -> Path | None:
        """The interpreter of its process; None for ours."""
        return environment.python() if self.apart else None


def _of(runtime: Runtime, plugin: bool) -> Rival:
    return Rival(
        runtime.name,
        runtime.suffix,
        lambda: runtime.version,
        lambda path, threads: open_session(runtime, path, threads=threads, plugin=plugin),
        # MNN's Winograd transforms lose digits: 3e-4 of a U-Net's range.
        tolerance=1e-3 if runtime.name == "mnn" and not plugin else TOLERANCE,
        plugin=plugin,
    )


def _apart(package: str, suffix: str, session: Callable[[Path, int], Session], **options: Any) -> Rival:
    return Rival(package, suffix, lambda: environment.version(package), session, apart=True, **options)


def _torch_version() -> str | None:
    try:
        return importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return None


_ours = {
    ("patternlite in " if plugin else "") + runtime.name: _of(runtime, plugin)
    for runtime in RUNTIMES
    for plugin in (False, True)
}
RIVALS: dict[str, Rival] = {
    **_ours,  # "mnn" and "patternlite in mnn", ...
    "onnxruntime": _apart("onnxruntime", ".onnx", OnnxRuntimeSession),
    "openvino": _apart("openvino", ".onnx", partial(OpenVinoSession, fp32=True)),
    # Uses bfloat16, which keeps 8 bits of each number, if the CPU can multiply it.
    "openvino, as it is": _apart("openvino", ".onnx", partial(OpenVinoSession, fp32=False), tolerance=0.05),
    # Its Winograd transform of 6x6 tiles loses digits.
    "ncnn": _apart("ncnn", ".param", NcnnSession, tolerance=2e-3),
    "tvm": _apart("apache-tvm", ".onnx", TvmSession),
    "tvm, tuned": _apart(
        "apache-tvm",
        ".onnx",
        lambda path, threads: TvmSession(path, threads, tuning_folder(path)),
        note=budget,
        missing=missing,
    ),
    "torch": Rival("torch", ".onnx", _torch_version, TorchSession),
    # Its model is pruned in blocks.
    "mnn, sparse": Rival(
        "mnn",
        SPARSE_MNN,
        lambda: runtime_named("mnn").version,
        lambda path, threads: open_session(runtime_named("mnn"), path, threads=threads),
    ),
    # Its weights differ a little: what quantisation costs is not judged here. tflite-runtime 2.14 has no fast
    # int8 kernels for the newest CPUs.
    "ai-edge-litert, int8": Rival(
        "ai-edge-litert",
        ".tflite",
        lambda: runtime_named("ai-edge-litert").version,
        lambda path, threads: open_session(runtime_named("ai-edge-litert"), path, threads=threads),
        tolerance=0.5,
    ),
}
