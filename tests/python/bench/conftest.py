"""What the tests of this folder need."""

from __future__ import annotations

import importlib.util

_NEEDED = ("ai_edge_litert", "MNN", "tensorflow", "torch", "patternlite._native")
_MISSING = [module for module in _NEEDED if importlib.util.find_spec(module) is None]
# What runs models is left out without them.
collect_ignore = ["test_formats.py", "test_layers.py", "test_nets.py"] if _MISSING else []


def pytest_report_header() -> str | None:
    return f"benchmark tests left out: no {', '.join(_MISSING)}" if _MISSING else None
