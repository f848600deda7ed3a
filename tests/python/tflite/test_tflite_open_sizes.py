"""Models whose converter left heights and widths open: a 1 stands there until a resize."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from patternlite.tflite import load_delegate

from .builder import RELU, SAME, VALID, ModelBuilder
from .moving_cases import to_nchw, to_nhwc
from .networks import PAD_1, left_open
from .runtimes import Runtime, assert_close, invoke
from .weights import bias_of, pattern_weights

CHANNELS = 32
Network = Callable[[ModelBuilder, np.random.Generator, int], int]


def conv(
    b: ModelBuilder, rng: np.random.Generator, x: int, filters: int = CHANNELS, padding: int = SAME
) -> int:
    weights = pattern_weights(rng, filters, 3, b.shape(x)[3], kept=0.2)
    return b.conv(x, weights, bias_of(rng, filters), padding=padding, activation=RELU)


def reflected(b: ModelBuilder, rng: np.random.Generator, x: int) -> int:
    return conv(b, rng, b.mirror_pad(x, PAD_1), padding=VALID)


def cropped(b: ModelBuilder, x: int) -> int:
    return b.strided_slice(x, slice(None), slice(1, -1), slice(1, -1), slice(None))


# Their windows are wider than 1x1.
NETWORKS: dict[str, Network] = {
    "reflected": lambda b, rng, x: reflected(b, rng, reflected(b, rng, x)),
    "valid": lambda b, rng, x: b.add(
        conv(b, rng, conv(b, rng, x, padding=VALID)), conv(b, rng, x, padding=VALID)
    ),
    "cropped": lambda b, rng, x: b.add(conv(b, rng, x, padding=VALID), cropped(b, conv(b, rng, x))),
    "pooled": lambda b, rng, x: conv(b, rng, b.pool(conv(b, rng, x), "MAX", 2, stride=2)),
    "averaged": lambda b, rng, x: conv(b, rng, b.pool(conv(b, rng, x), "AVERAGE", 3, stride=2)),
}


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("network", NETWORKS)
def test_wide_windows(
    runtime: Runtime, rng: np.random.Generator, network: str, force: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    b = ModelBuilder()
    model = left_open(b.build(NETWORKS[network](b, rng, b.input(1, 24, 24, CHANNELS))))
    delegate = load_delegate(force=force)
    ours, stock = runtime.interpreter(model, delegate), runtime.interpreter(model)
    assert all(row["kernel"] != "stock" for row in delegate.layers)
    assert " in 1 partition," in capfd.readouterr().err
    for size in ((1, 24, 24), (2, 17, 20), (1, 24, 24)):
        x = [rng.normal(size=(*size, CHANNELS)).astype(np.float32)]
        assert_close(invoke(ours, x), invoke(stock, x))


@pytest.mark.parametrize("network", ["pooled", "reflected", "cropped"])
def test_a_size_is_asked_for(runtime: Runtime, rng: np.random.Generator, network: str) -> None:
    """Stock answers with empty maps, or fails."""
    b = ModelBuilder()
    model = left_open(b.build(NETWORKS[network](b, rng, b.input(1, 24, 24, CHANNELS))))
    ours = runtime.interpreter(model, load_delegate(force=True))
    ours.allocate_tensors()
    with pytest.raises(RuntimeError, match="resize them"):
        ours.invoke()
    x = [rng.normal(size=(1, 24, 24, CHANNELS)).astype(np.float32)]
    assert_close(invoke(ours, x), runtime.run(model, x))


def test_a_grey_image_in_nchw(runtime: Runtime, rng: np.random.Generator) -> None:
    """Of 1x1, all orders of its axes look alike."""
    b = ModelBuilder()
    y = to_nhwc(b, b.input(1, 1, 1, 1, signature=(1, 1, -1, -1)))
    y = conv(b, rng, conv(b, rng, conv(b, rng, y)), filters=1)
    model, delegate = b.build(to_nchw(b, y)), load_delegate()
    ours, stock = runtime.interpreter(model, delegate), runtime.interpreter(model)
    assert all(row["kernel"] != "stock" for row in delegate.layers)
    for size in ((1, 1, 64, 48), (2, 1, 24, 24)):
        x = [rng.normal(size=size).astype(np.float32)]
        assert_close(invoke(ours, x), invoke(stock, x))


def test_orders_that_look_alike_of_1x1(runtime: Runtime, rng: np.random.Generator) -> None:
    """Rows and columns change places behind another turn."""
    b = ModelBuilder()
    y = to_nchw(b, conv(b, rng, b.input(1, 24, 24, CHANNELS)))
    y = conv(b, rng, to_nhwc(b, b.transpose(y, 0, 1, 3, 2)))
    model = left_open(b.build(y))
    ours, stock = runtime.interpreter(model, load_delegate(force=True)), runtime.interpreter(model)
    for size in ((1, 24, 17), (2, 9, 24)):
        x = [rng.normal(size=(*size, CHANNELS)).astype(np.float32)]
        assert_close(invoke(ours, x), invoke(stock, x))


def test_a_part_without_channels(litert: Runtime, rng: np.random.Generator) -> None:
    """It has none at any size."""
    b = ModelBuilder()
    y = conv(b, rng, b.input(1, 24, 24, CHANNELS))
    none = b.strided_slice(y, *[slice(None)] * 3, slice(CHANNELS, None))
    model = left_open(b.build(b.concatenate(none, conv(b, rng, y))))
    ours, stock = litert.interpreter(model, load_delegate(force=True)), litert.interpreter(model)
    x = [rng.normal(size=(1, 24, 17, CHANNELS)).astype(np.float32)]
    assert_close(invoke(ours, x), invoke(stock, x))
