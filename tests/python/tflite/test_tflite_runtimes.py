"""Whole networks in every stock runtime: claims, resizes, threads, lifetimes."""

from __future__ import annotations

import gc
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from patternlite.tflite import available_isas, get_library_path, load_delegate

from .builder import RELU, ModelBuilder
from .networks import branching_network, denoiser, mobile_network, residual_network
from .runtimes import Runtime, assert_close, invoke
from .weights import bias_of, pattern_weights


def images(rng: np.random.Generator, batch: int = 1, size: int = 24) -> list[np.ndarray]:
    return [rng.normal(size=(batch, size, size, 3)).astype(np.float32)]


@pytest.mark.parametrize("batch", [1, 3])
def test_a_whole_network_becomes_one_partition(
    runtime: Runtime, rng: np.random.Generator, batch: int, capfd: pytest.CaptureFixture[str]
) -> None:
    model, x = residual_network(rng, batch=batch), images(rng, batch)
    expected = runtime.run(model, x)
    capfd.readouterr()
    delegate = load_delegate(force=True, num_threads=2, isa="generic")
    assert_close(runtime.run(model, x, delegate), expected)
    line = r"INFO: PatternDelegate: 8/8 CONV_2D in 1 partition, isa=generic, threads=2"
    assert re.fullmatch(line + r", 0\.\d MB of weights, 0\.\d MB of activations\n", capfd.readouterr().err)
    assert len(delegate.layers) == 9  # the fully connected one as well
    assert all(row["kernel"] != "stock" for row in delegate.layers)


@pytest.mark.parametrize("classes", [0, 10])
def test_branches_meet_in_one_partition(
    runtime: Runtime, rng: np.random.Generator, classes: int, capfd: pytest.CaptureFixture[str]
) -> None:
    model = branching_network(rng, classes=classes)
    ours, stock = runtime.interpreter(model, load_delegate(force=True)), runtime.interpreter(model)
    for batch in (1, 3, 1):
        x = images(rng, batch)
        assert_close(invoke(ours, x), invoke(stock, x))
    error = capfd.readouterr().err
    assert " in 1 partition," in error


def test_branches_take_images_of_any_size(runtime: Runtime, rng: np.random.Generator) -> None:
    model = branching_network(rng, classes=10)
    ours, stock = runtime.interpreter(model, load_delegate(force=True)), runtime.interpreter(model)
    for batch, size in ((1, 24), (2, 17), (1, 40), (1, 24)):
        x = images(rng, batch, size)
        assert_close(invoke(ours, x), invoke(stock, x))


def test_a_constant_size_fits_one_image_size(runtime: Runtime, rng: np.random.Generator) -> None:
    ours = runtime.interpreter(branching_network(rng), load_delegate(force=True))
    x = images(rng)
    before = invoke(ours, x)
    with pytest.raises(RuntimeError):  # as stock: the upsampled map and the first no longer fit
        invoke(ours, images(rng, 1, 32))
    assert_close(invoke(ours, x), before)


@pytest.mark.parametrize("isa", available_isas())
def test_depthwise_and_fully_connected_layers(
    runtime: Runtime, rng: np.random.Generator, isa: str, capfd: pytest.CaptureFixture[str]
) -> None:
    model, x = mobile_network(rng), images(rng)
    expected = runtime.run(model, x)
    capfd.readouterr()
    delegate = load_delegate(force=True, isa=isa)
    assert_close(runtime.run(model, x, delegate), expected)
    assert "7/7 CONV_2D in 1 partition," in capfd.readouterr().err
    rows = [(row["kind"], row["reason"], row["kernel"]) for row in delegate.layers]
    assert rows[2] == ("depthwise3x3", "pattern", "depthwise")
    assert rows[5] == ("depthwise3x3s2", "pattern", "depthwise")
    assert rows[-2:] == [("fc", "sparse-fc", "fc-sparse"), ("fc", "dense:too-few-zeros", "fc-dense")]


def test_weights_used_in_place(runtime: Runtime, rng: np.random.Generator) -> None:
    """Dense fully connected layers read the file's weights; nothing of ours may keep it alive."""
    model, x = mobile_network(rng), images(rng)
    expected = runtime.run(model, x)
    interpreter = runtime.interpreter(bytes(bytearray(model)), load_delegate(force=True))
    gc.collect()
    _ = [bytes(len(model)) for _ in range(8)]  # takes the memory if it was given back
    assert_close(invoke(interpreter, x), expected)


def test_an_unknown_operator_in_the_middle(
    runtime: Runtime, rng: np.random.Generator, capfd: pytest.CaptureFixture[str]
) -> None:
    model, x = residual_network(rng, middle="ABS"), images(rng)
    actual = runtime.run(model, x, load_delegate(force=True))
    assert "8/8 CONV_2D in 2 partitions" in capfd.readouterr().err
    assert_close(actual, runtime.run(model, x))


def test_the_library_is_an_external_delegate(runtime: Runtime, rng: np.random.Generator) -> None:
    model, x = residual_network(rng), images(rng)
    delegate = runtime.load_delegate(get_library_path(), {"num_threads": "2", "force": "true"})
    assert_close(runtime.run(model, x, delegate), runtime.run(model, x))


@pytest.mark.parametrize("middle", [None, "ABS"], ids=["whole", "mixed"])
def test_resizing_the_batch(runtime: Runtime, rng: np.random.Generator, middle: str | None) -> None:
    model = residual_network(rng, middle=middle)
    ours = runtime.interpreter(model, load_delegate(force=True))
    stock = runtime.interpreter(model)
    for batch in (1, 4, 2, 1):
        x = images(rng, batch)
        assert_close(invoke(ours, x), invoke(stock, x))


@pytest.mark.parametrize("middle", [None, "ABS"], ids=["whole", "mixed"])
def test_resizing_the_image(runtime: Runtime, rng: np.random.Generator, middle: str | None) -> None:
    model = residual_network(rng, middle=middle, head=False)
    ours = runtime.interpreter(model, load_delegate(force=True))
    stock = runtime.interpreter(model)
    for batch, size in ((1, 24), (1, 40), (2, 17), (1, 24), (3, 40)):
        x = images(rng, batch, size)
        assert_close(invoke(ours, x), invoke(stock, x))


@pytest.mark.parametrize("size", [4, 32])
def test_resizing_where_more_or_less_pays_then(runtime: Runtime, rng: np.random.Generator, size: int) -> None:
    """A runtime that applies delegates anew may find what to take only then."""
    model = denoiser(rng, "ABS", size)
    ours, stock = runtime.interpreter(model, load_delegate()), runtime.interpreter(model)
    for batch, size in ((1, 32), (2, 32), (1, 48), (1, 4), (1, 32)):
        x = images(rng, batch, size)
        assert_close(invoke(ours, x), invoke(stock, x))


def test_resizing_keeps_what_was_taken(runtime: Runtime, rng: np.random.Generator) -> None:
    """Where delegates are applied anew, what the runtime's own operators make has the old batch then."""
    b = ModelBuilder()
    x = b.input(1, 24, 24, 64)
    parts = (
        b.conv(part, pattern_weights(rng, 64, 3, 64, kept=0.2), bias_of(rng, 64), activation=RELU)
        for part in (x, b.unary("ABS", x))
    )
    model, delegate = b.build(b.add(*parts)), load_delegate()
    ours, stock = runtime.interpreter(model, delegate), runtime.interpreter(model)
    layers = delegate.layers
    assert [row["kernel"] != "stock" for row in layers] == [True] * 2
    for batch in (1, 4, 2):
        inputs = [rng.normal(size=(batch, 24, 24, 64)).astype(np.float32)]
        assert_close(invoke(ours, inputs), invoke(stock, inputs))
        assert delegate.layers == layers


def test_a_size_left_open_is_taken_for_its_zeros(runtime: Runtime, rng: np.random.Generator) -> None:
    """Converters write 1x1 there, where nothing pays."""
    b = ModelBuilder()
    y = b.input(1, 1, 1, 32, signature=(1, -1, -1, 32))
    for _ in range(3):
        y = b.conv(y, pattern_weights(rng, 32, 3, 32, kept=0.2), bias_of(rng, 32), activation=RELU)
    model, delegate = b.build(y), load_delegate()
    ours, stock = runtime.interpreter(model, delegate), runtime.interpreter(model)
    assert [row["kernel"] != "stock" for row in delegate.layers] == [True] * 3
    for size in (40, 24):
        x = [rng.normal(size=(1, size, size, 32)).astype(np.float32)]
        assert_close(invoke(ours, x), invoke(stock, x))
        assert [row["kernel"] != "stock" for row in delegate.layers] == [True] * 3


def test_resizing_with_a_mean_in_between(runtime: Runtime, rng: np.random.Generator) -> None:
    model = residual_network(rng)
    ours, stock = runtime.interpreter(model, load_delegate(force=True)), runtime.interpreter(model)
    for size in (24, 33, 24):
        x = images(rng, 1, size)
        assert_close(invoke(ours, x), invoke(stock, x))


def test_dynamic_tensors(runtime: Runtime, rng: np.random.Generator) -> None:
    b = ModelBuilder()
    x, shape = b.input(1, 16, 16, 8), b.input(4, dtype=np.int32)
    y = b.conv(x, pattern_weights(rng, 8, 3, 8), bias_of(rng, 8))
    y = b.reshape_at_run_time(y, shape, 1, 16, 16, 8)
    y = b.conv(y, pattern_weights(rng, 12, 3, 8), bias_of(rng, 12), activation=RELU)
    model = b.build(y)
    delegate = load_delegate(force=True)
    ours, stock = runtime.interpreter(model, delegate), runtime.interpreter(model)
    assert [row["kernel"] != "stock" for row in delegate.layers] == [True] * 2
    for height in (16, 8, 32):
        inputs = [
            rng.normal(size=(1, 16, 16, 8)).astype(np.float32),
            np.array([1, height, 256 // height, 8], np.int32),
        ]
        assert_close(invoke(ours, inputs), invoke(stock, inputs))


@pytest.mark.parametrize("network", [residual_network, branching_network])
def test_threads_give_the_same_bits(runtime: Runtime, rng: np.random.Generator, network) -> None:
    model, x = network(rng), images(rng)
    one, two = (runtime.run(model, x, load_delegate(force=True, num_threads=n)) for n in (1, 2))
    np.testing.assert_array_equal(one[0], two[0])


def test_the_interpreters_threads_are_the_default(
    runtime: Runtime, rng: np.random.Generator, capfd: pytest.CaptureFixture[str]
) -> None:
    model = residual_network(rng)
    runtime.interpreter(model, load_delegate(force=True))
    runtime.interpreter(model, load_delegate(force=True), num_threads=2)
    lines = [line for line in capfd.readouterr().err.splitlines() if "PatternDelegate" in line]
    assert [line.split("threads=")[1][0] for line in lines] == ["1", "2"]


@pytest.mark.parametrize("isa", available_isas())
def test_every_isa(runtime: Runtime, rng: np.random.Generator, isa: str) -> None:
    model, x = residual_network(rng), images(rng)
    assert_close(runtime.run(model, x, load_delegate(force=True, isa=isa)), runtime.run(model, x))


def test_interpreters_may_share_a_delegate(runtime: Runtime, rng: np.random.Generator) -> None:
    delegate = load_delegate(force=True, num_threads=2)
    models = [residual_network(rng), residual_network(rng, batch=2, middle="ABS")]
    inputs = [images(rng), images(rng, 2)]
    interpreters = [runtime.interpreter(model, delegate) for model in models]
    for _ in range(2):
        for interpreter, model, x in zip(interpreters, models, inputs, strict=True):
            assert_close(invoke(interpreter, x), runtime.run(model, x))


def test_sharing_interpreters_may_run_at_the_same_time(runtime: Runtime, rng: np.random.Generator) -> None:
    delegate = load_delegate(force=True, num_threads=2, tune_budget_ms=0)
    model, inputs = residual_network(rng), [images(rng), images(rng, 3)]
    expected = [runtime.run(model, x, load_delegate(force=True, tune_budget_ms=0)) for x in inputs]
    interpreters = [runtime.interpreter(model, delegate) for _ in inputs]

    def run(i: int) -> list[list[np.ndarray]]:
        return [invoke(interpreters[i], inputs[i]) for _ in range(20)]

    with ThreadPoolExecutor() as threads:
        for i, results in enumerate(threads.map(run, range(2))):
            for result in results:
                np.testing.assert_array_equal(result[0], expected[i][0])


def test_a_resize_leaves_the_other_interpreter_alone(runtime: Runtime, rng: np.random.Generator) -> None:
    delegate = load_delegate(force=True)
    model = branching_network(rng, classes=10)
    one, other = runtime.interpreter(model, delegate), runtime.interpreter(model, delegate)
    stock = runtime.interpreter(model)
    for batch, size in ((2, 24), (1, 33)):
        x = images(rng, batch, size)
        assert_close(invoke(one, x), invoke(stock, x))
        x = images(rng)
        assert_close(invoke(other, x), runtime.run(model, x))


def test_the_delegate_may_go_first(runtime: Runtime, rng: np.random.Generator) -> None:
    model, x = residual_network(rng), images(rng)
    interpreter = runtime.interpreter(model, load_delegate(force=True))
    first = invoke(interpreter, x)
    interpreter._delegates = []  # what keeps it alive in Python
    gc.collect()
    np.testing.assert_array_equal(invoke(interpreter, x)[0], first[0])


def test_views_outlive_the_interpreter(runtime: Runtime, rng: np.random.Generator) -> None:
    model, x = residual_network(rng), images(rng)
    expected = runtime.run(model, x)
    view = _view_of_a_dead_interpreter(runtime, model, x)
    gc.collect()
    assert_close([view], expected)
    del view  # frees the kernels, after the delegate
    gc.collect()


def _view_of_a_dead_interpreter(runtime: Runtime, model: bytes, x: list[np.ndarray]) -> Any:
    interpreter = runtime.interpreter(model, load_delegate(force=True))
    invoke(interpreter, x)
    return interpreter.tensor(interpreter.get_output_details()[0]["index"])()
