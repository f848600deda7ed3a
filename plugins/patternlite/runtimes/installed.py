"""The stock runtimes: which exist, which are installed, and how to install each with pip."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import sys
from dataclasses import dataclass

from ..errors import MissingPackageError, PatternliteError

MOST_THREADS = 256  # that our plugin accepts; some runtimes hang with more


@dataclass(frozen=True)
class Runtime:
    """One runtime that users install with pip.

    name: as in `--runtime`.  module: to import.  package: its name for pip.
    suffix: of the model files it runs.  pins: what follows the package in the pip command.
    """

    name: str
    module: str
    package: str
    suffix: str
    pins: str = ""

    @property
    def installed(self) -> bool:
        try:
            return importlib.util.find_spec(self.module) is not None
        except ImportError as error:  # the parent package is missing, or broken
            return error.name != self.module.partition(".")[0]

    @property
    def version(self) -> str | None:
        """The installed version, read without importing the runtime; None when it is not installed."""
        if not self.installed:
            return None
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            return importlib.metadata.version(self.package)
        return "unknown"

    @property
    def pip_command(self) -> str:
        return f"pip install {self.package}{self.pins}"


_TFLITE_RUNTIME = Runtime(
    "tflite-runtime", "tflite_runtime.interpreter", "tflite-runtime", ".tflite", "==2.14.0 'numpy<2'"
)
RUNTIMES = (
    *((_TFLITE_RUNTIME,) if sys.version_info < (3, 12) else ()),  # it has no wheels for later Pythons
    Runtime("ai-edge-litert", "ai_edge_litert.interpreter", "ai-edge-litert", ".tflite"),
    Runtime("tensorflow", "tensorflow", "tensorflow", ".tflite"),
    Runtime("mnn", "MNN", "MNN", ".mnn", "==3.6.1"),
)


def runtime_named(name: str) -> Runtime:
    for runtime in RUNTIMES:
        if runtime.name == name:
            return runtime
    raise PatternliteError(f"unknown runtime {name!r}; known: {', '.join(r.name for r in RUNTIMES)}")


def runtimes_for(suffix: str) -> list[Runtime]:
    """The installed runtimes for files with this suffix; an error with pip commands if there is none."""
    known = [r for r in RUNTIMES if r.suffix == suffix]
    if not known:
        raise PatternliteError(
            f"no runtime runs {suffix or 'files without a suffix'}: give a .tflite or .mnn model"
        )
    installed = [r for r in known if r.installed]
    if not installed:
        raise MissingPackageError(f"a runtime for {suffix}", " or ".join(r.pip_command for r in known))
    return installed


def require_installed(runtime: Runtime) -> None:
    if not runtime.installed:
        raise MissingPackageError(runtime.name, runtime.pip_command)


def tflite_runtime() -> Runtime:
    """The first of ai-edge-litert, tflite-runtime and tensorflow that is installed."""
    known = {runtime.name: runtime for runtime in RUNTIMES}
    for name in ("ai-edge-litert", "tflite-runtime", "tensorflow"):
        if name in known and known[name].installed:
            return known[name]
    raise MissingPackageError("a TFLite runtime", "pip install 'patternlite[tflite]'")
