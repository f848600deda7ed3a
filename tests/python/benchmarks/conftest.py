"""What the tests of this folder need."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import pytest

from benchmarks.models.files import ModelFiles

_NEEDED = ("ai_edge_litert", "MNN", "tensorflow", "torch", "patternlite._native")
_MISSING = [module for module in _NEEDED if importlib.util.find_spec(module) is None]
_RUNNING = ["test_formats.py", "test_layers.py", "test_mnn.py", "test_nets.py", "test_protocol.py"]
collect_ignore = _RUNNING if _MISSING else []  # what runs models


def pytest_report_header() -> str | None:
    return f"benchmark tests left out: no {', '.join(_MISSING)}" if _MISSING else None


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelFiles]:
    with ModelFiles(tmp_path_factory.mktemp("models")) as files:
        yield files
