"""What a model's graphs, and the models of one delegate, share: reports, threads, words."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import numpy as np
import pytest

from patternlite.tflite import load_delegate

from .builder import RELU, ModelBuilder
from .networks import convolution, dense_weights, joined
from .runtimes import Runtime, invoke
from .weights import bias_of, pattern_weights


def of_graphs(rng: np.random.Generator, *counts: int) -> bytes:
    """A graph for each, of so many convolutions."""
    graphs = []
    for count in counts:
        b = ModelBuilder()
        y = b.input(1, 16, 16, 32)
        for i in range(count):
            y = b.conv(y, pattern_weights(rng, 32, 3, 32, kept=0.2), bias_of(rng, 32), activation=RELU)
            y = b.unary("ABS", y) if i == 0 else y
        graphs.append(b.build(y))
    return joined(*graphs)


@pytest.fixture
def model(rng: np.random.Generator) -> bytes:
    return of_graphs(rng, 3, 2)


def lines_in(capfd: pytest.CaptureFixture[str]) -> list[str]:
    return [line for line in capfd.readouterr().err.splitlines() if "PatternDelegate" in line]


def test_a_resize_forgets_no_graph(runtime: Runtime, model: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    delegate = load_delegate(force=True)
    interpreter = runtime.interpreter(model, delegate)
    names, told = [row["name"] for row in delegate.layers], lines_in(capfd)
    assert (len(names), len(told)) == (5, 2)
    for size in (24, 16, 20):
        invoke(interpreter, [np.zeros((1, size, size, 32), np.float32)])
    assert [row["name"] for row in delegate.layers] == names
    assert lines_in(capfd) == []


def test_a_resize_forgets_no_graph_of_a_model_that_came_before(
    runtime: Runtime, rng: np.random.Generator, model: bytes
) -> None:
    delegate = load_delegate(force=True)
    first = runtime.interpreter(model, delegate)
    _second = runtime.interpreter(of_graphs(rng, 1, 3), delegate)
    assert len(delegate.layers) == 4
    invoke(first, [np.zeros((1, 24, 24, 32), np.float32)])
    assert len(delegate.layers) == 4


def test_each_model_is_told(
    runtime: Runtime, rng: np.random.Generator, capfd: pytest.CaptureFixture[str]
) -> None:
    delegate = load_delegate(force=True)
    _interpreters = [runtime.interpreter(convolution(rng), delegate) for _ in range(2)]
    assert len(lines_in(capfd)) == 2


def test_interpreters_one_after_the_other(runtime: Runtime, model: bytes) -> None:
    delegate = load_delegate(force=True)
    for _ in range(4):  # the next one may come to lie where one was
        runtime.interpreter(model, delegate).allocate_tensors()
        assert len(delegate.layers) == 5
        gc.collect()


def test_graphs_share_threads(litert: Runtime, rng: np.random.Generator, model: bytes) -> None:
    tasks = Path("/proc/self/task")
    if not tasks.exists():
        pytest.skip("threads are counted in /proc")
    for content, started in ((model, 3), (convolution(rng, dense_weights), 0)):
        before = len(os.listdir(tasks))
        interpreter = litert.interpreter(content, load_delegate(num_threads=4))
        assert len(os.listdir(tasks)) - before == started
        del interpreter


def sparse_weights(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return pattern_weights(rng, *shape, kept=0.2)


@pytest.mark.parametrize(
    ("weights", "options", "told"),
    [(sparse_weights, {}, 1), (dense_weights, {}, 0), (dense_weights, {"force": True}, 1)],
)
def test_a_delegate_that_comes_too_late_says_so(
    runtime: Runtime, rng: np.random.Generator, weights, options, told: int, capfd: pytest.CaptureFixture[str]
) -> None:
    """Where the runtime's own has taken what it would have run."""
    interpreter = runtime.interpreter(joined(convolution(rng, weights), convolution(rng, weights)))
    interpreter.allocate_tensors()
    delegate = load_delegate(**options)
    interpreter._interpreter.ModifyGraphWithDelegate(delegate._get_native_delegate_pointer())
    warnings = lines_in(capfd)
    assert len(warnings) == told
    assert all(line.startswith("WARNING: PatternDelegate comes after another delegate") for line in warnings)
    invoke(interpreter, [np.zeros((1, 16, 16, 32), np.float32)])


def test_a_delegate_behind_another_says_so(
    runtime: Runtime, rng: np.random.Generator, capfd: pytest.CaptureFixture[str]
) -> None:
    first, second = load_delegate(force=True), load_delegate()
    runtime.interpreter(convolution(rng, sparse_weights), first, second)
    _, warning = lines_in(capfd)
    assert warning.startswith("WARNING: PatternDelegate comes after another delegate")
    assert warning.endswith("or put it first in the list of delegates")
