"""Makes ordinary CNNs fast on the runtimes people already use.

Importing this package loads no runtime, no torch and no native library; each part loads what it
needs when it is used: `patternlite.tflite`, `patternlite.mnn`, `patternlite.pruning`.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .inspection import inspect

__all__ = ["__version__", "inspect"]

try:
    __version__ = version("patternlite")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0+unknown"


def __getattr__(name: str) -> Any:
    if name == "inspect":
        from .inspection import inspect

        return inspect
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
