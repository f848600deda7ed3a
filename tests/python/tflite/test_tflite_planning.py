"""Kernels chosen by trying them, where the choices are kept, and what the model takes in memory."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from patternlite.tflite import load_delegate

from .builder import ModelBuilder
from .networks import convolution, dense_weights, joined, residual_network
from .runtimes import Runtime, assert_close, invoke
from .stepping_clock import readings
from .weights import bias_of, pattern_weights


@pytest.fixture
def model(rng: np.random.Generator) -> bytes:
    return residual_network(rng, middle="ABS")


@pytest.fixture
def x(rng: np.random.Generator) -> list[np.ndarray]:
    return [rng.normal(size=(1, 24, 24, 3)).astype(np.float32)]


def warnings_in(capfd: pytest.CaptureFixture[str]) -> list[str]:
    return [line for line in capfd.readouterr().err.splitlines() if line.startswith("WARNING")]


@pytest.mark.parametrize("budget", [0, 1, 60_000])
def test_results_are_right_whatever_is_chosen(runtime: Runtime, model: bytes, x, budget: int) -> None:
    assert_close(
        runtime.run(model, x, load_delegate(force=True, tune_budget_ms=budget)), runtime.run(model, x)
    )


def test_without_a_budget_loads_repeat_to_the_bit(runtime: Runtime, model: bytes, x) -> None:
    first, second = (runtime.run(model, x, load_delegate(force=True, tune_budget_ms=0)) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])


def test_a_directory_makes_processes_agree_to_the_bit(
    runtime: Runtime, model: bytes, x, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    first = runtime.run(model, x, load_delegate(force=True, delegate_serialize_dir=tmp_path))
    files = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(files) == 2  # one for each partition
    (tmp_path / "model.tflite").write_bytes(model)
    np.save(tmp_path / "x.npy", x[0])
    program = f"""
import numpy as np
from patternlite.tflite import load_delegate
from {runtime.module} import {"lite" if runtime.module == "tensorflow" else "Interpreter"}
Interpreter = {"lite.Interpreter" if runtime.module == "tensorflow" else "Interpreter"}
delegate = load_delegate(force=True, delegate_serialize_dir={str(tmp_path)!r})
i = Interpreter({str(tmp_path / "model.tflite")!r}, experimental_delegates=[delegate])
i.allocate_tensors()
i.set_tensor(i.get_input_details()[0]["index"], np.load({str(tmp_path / "x.npy")!r}))
i.invoke()
np.save({str(tmp_path / "y.npy")!r}, i.get_tensor(i.get_output_details()[0]["index"]))
"""
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), first[0])
    assert {path: path.read_bytes() for path in files} == files
    assert warnings_in(capfd) == []


def test_a_directory_holds_whatever_the_budget(litert: Runtime, model: bytes, x, tmp_path: Path) -> None:
    def run(budget: int) -> list[np.ndarray]:
        return litert.run(
            model, x, load_delegate(force=True, tune_budget_ms=budget, delegate_serialize_dir=tmp_path)
        )

    first = run(0)
    files = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(files) == 2
    np.testing.assert_array_equal(run(60_000)[0], first[0])
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == files


def test_a_relative_directory_stays_where_it_was(
    litert: Runtime, model: bytes, x, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "choices").mkdir()
    monkeypatch.chdir(tmp_path)
    delegate = load_delegate(force=True, delegate_serialize_dir="choices")
    monkeypatch.chdir("/")
    litert.run(model, x, delegate)
    assert len(list((tmp_path / "choices").iterdir())) == 2


def test_files_that_are_no_good_are_replaced_with_one_warning(
    litert: Runtime, model: bytes, x, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    expected = litert.run(model, x, load_delegate(force=True, delegate_serialize_dir=tmp_path))
    files = list(tmp_path.iterdir())
    for path in files:
        path.write_bytes(path.read_bytes()[:-7])
    capfd.readouterr()
    assert_close(litert.run(model, x, load_delegate(force=True, delegate_serialize_dir=tmp_path)), expected)
    (warning,) = warnings_in(capfd)
    assert warning.startswith(f"WARNING: PatternDelegate ignores the kernel choices in {tmp_path}")
    litert.run(model, x, load_delegate(force=True, delegate_serialize_dir=tmp_path))
    assert warnings_in(capfd) == []
    assert sorted(tmp_path.iterdir()) == sorted(files)


@pytest.mark.parametrize("place", ["none", "file"])
def test_a_directory_that_is_none_is_no_error(
    litert: Runtime, model: bytes, x, tmp_path: Path, place: str, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("a file")
    delegate = load_delegate(force=True, delegate_serialize_dir=tmp_path / place)
    assert_close(litert.run(model, x, delegate), litert.run(model, x))
    (warning,) = warnings_in(capfd)
    assert str(tmp_path / place) in warning


def test_memory_is_told(litert: Runtime, rng: np.random.Generator, model: bytes, x) -> None:
    delegate = load_delegate(force=True)
    assert delegate.activation_bytes == 0
    litert.run(model, x, delegate)
    image = 4 * 16 * 12 * 12  # the largest tensor
    assert image < delegate.activation_bytes < 20 * image
    assert len(delegate.layers) == 9
    for row in delegate.layers:
        if row["kernel"] == "fc-dense":
            continue  # reads its weights from the file
        # Each weight that is left is kept once, with up to three times its size of indices.
        assert row["weight_bytes"] >= 4 * row["kept_macs"] / (row["height"] * row["width"])
    litert.run(
        convolution(rng, dense_weights), [np.zeros((1, 16, 16, 32), np.float32)], left := load_delegate()
    )
    assert (left.activation_bytes, left.layers[0]["weight_bytes"]) == (0, 0)


def test_what_is_told_is_of_the_last_model(
    runtime: Runtime, rng: np.random.Generator, model: bytes, x
) -> None:
    delegate = load_delegate(force=True)
    runtime.run(model, x, delegate)
    assert delegate.layers
    b = ModelBuilder()
    runtime.run(b.build(b.unary("ABS", b.input(1, 4))), [np.zeros((1, 4), np.float32)], delegate)
    assert (delegate.layers, delegate.activation_bytes) == ([], 0)


def test_all_graphs_of_a_model_are_told(runtime: Runtime, rng: np.random.Generator, model: bytes) -> None:
    b = ModelBuilder()
    without = b.build(b.unary("ABS", b.input(1, 4)))
    delegates = [load_delegate(force=True, tune_budget_ms=0) for _ in range(2)]
    for parts, delegate in zip(([model], [model, without, model]), delegates, strict=True):
        runtime.interpreter(joined(*parts), delegate)
    one, all_graphs = delegates
    assert len(one.layers) == 9
    assert all_graphs.layers == one.layers * 2
    assert all_graphs.activation_bytes == 2 * one.activation_bytes > 0


def test_nothing_is_tried_for_a_size_that_is_open(
    runtime: Runtime, rng: np.random.Generator, tmp_path: Path
) -> None:
    """The budget is for the size that the model runs at."""
    b = ModelBuilder()
    y = b.input(1, 1, 1, 32, signature=(1, -1, -1, 32))
    for _ in range(2):
        y = b.conv(y, pattern_weights(rng, 32, 3, 32, kept=0.2), bias_of(rng, 32))
    interpreter = runtime.interpreter(b.build(y), load_delegate(delegate_serialize_dir=tmp_path))
    assert list(tmp_path.iterdir()) == []
    invoke(interpreter, [np.zeros((1, 24, 24, 32), np.float32)])
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
@pytest.mark.parametrize(("graphs", "sizes"), [(12, 1), (1, 12)], ids=["graphs", "sizes"])
def test_the_budget_is_spent_once(rng: np.random.Generator, graphs: int, sizes: int, tmp_path: Path) -> None:
    """By a clock that only reading it moves: twelve budgets would be twelve times as many readings."""
    model, budget = tmp_path / "model.tflite", 100
    networks = []
    for _ in range(graphs):
        b = ModelBuilder()
        y = b.input(1, 24, 24, 64)
        for _ in range(3):
            y = b.conv(y, pattern_weights(rng, 64, 3, 64, kept=0.3), bias_of(rng, 64))
        networks.append(b.build(y))
    model.write_bytes(joined(*networks))
    program = f"""
from ai_edge_litert.interpreter import Interpreter
from patternlite.tflite import load_delegate
delegate = load_delegate(num_threads=1, tune_budget_ms={budget})
i = Interpreter({str(model)!r}, experimental_delegates=[delegate])
for size in range(24, 24 + {sizes}):
    i.resize_tensor_input(i.get_input_details()[0]["index"], (1, size, size, 64))
    i.allocate_tensors()
"""
    assert budget < readings(program, tmp_path) < 4 * budget
