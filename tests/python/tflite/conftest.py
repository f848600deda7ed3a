"""What the tests of this folder share."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

pytest.importorskip("patternlite._native", reason="needs the compiled part of patternlite")
pytest.importorskip("ai_edge_litert", reason="the model builder uses its schema")

from .runtimes import RUNTIMES, Runtime


@pytest.fixture(params=RUNTIMES, ids=lambda module: module.split(".")[0], scope="session")
def runtime(request: pytest.FixtureRequest) -> Runtime:
    if importlib.util.find_spec(request.param.split(".")[0]) is None:
        pytest.skip(f"{request.param} is not installed")
    return Runtime(request.param)


@pytest.fixture(scope="session")
def litert() -> Runtime:
    return Runtime("ai_edge_litert.interpreter")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)
