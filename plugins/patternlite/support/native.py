"""The compiled part of the package."""

from __future__ import annotations

import importlib
from types import ModuleType


def load_native() -> ModuleType:
    """`patternlite._native`; if it was not built, an ImportError that says how to get it."""
    try:
        return importlib.import_module("patternlite._native")
    except ImportError as error:
        raise ImportError(
            "the compiled part of patternlite is missing or does not fit this Python; run: "
            "pip install --force-reinstall . (in the source tree, or give the wheel)"
        ) from error
