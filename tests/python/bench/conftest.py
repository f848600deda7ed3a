"""What the tests of this folder need."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import pytest

_NEEDED = ("ai_edge_litert", "MNN", "tensorflow", "torch", "patternlite._native")
_MISSING = [module for module in _NEEDED if importlib.util.find_spec(module) is None]
# What runs models is left out without them.
collect_ignore = ["test_formats.py", "test_layers.py", "test_nets.py"] if _MISSING else []


@pytest.fixture
def one_thread() -> Iterator[None]:
    """The networks are too small for more: threads would only wait for one another."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def pytest_report_header() -> str | None:
    return f"benchmark tests left out: no {', '.join(_MISSING)}" if _MISSING else None
