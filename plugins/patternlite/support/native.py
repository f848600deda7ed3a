"""The compiled part of the package."""

from __future__ import annotations

import importlib
from types import ModuleType


def load_native() -> ModuleType:
    """`patternlite._native`; an ImportError that says how to get it when it was not built."""
    try:
        return importlib.import_module("patternlite._native")
    except ImportError as error:
        raise ImportError(
            "the compiled part of patternlite is missing or does not fit this Python; run: "
            "pip install --force-reinstall . (in the source tree, or give the wheel)"
        ) from error
