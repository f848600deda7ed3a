"""What the tests of this folder share."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from .runtimes import RUNTIMES, Runtime


def _missing(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is None
    except ModuleNotFoundError:  # its package
        return True


# The compiled part, and the schema that the model builder uses.
_MISSING = [module for module in ("patternlite._native", "ai_edge_litert") if _missing(module)]
collect_ignore_glob = ["test_*.py"] if _MISSING else []


def pytest_report_header() -> str | None:
    return f"tests of the TFLite delegate left out: no {', '.join(_MISSING)}" if _MISSING else None


@pytest.fixture(params=RUNTIMES, ids=lambda module: module.split(".")[0], scope="session")
def runtime(request: pytest.FixtureRequest) -> Runtime:
    if _missing(request.param):
        pytest.skip(f"{request.param} is not installed")
    return Runtime(request.param)


@pytest.fixture(scope="session")
def litert() -> Runtime:
    return Runtime("ai_edge_litert.interpreter")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)
