"""Models that stock runs at another size than the file's run with the delegate, too."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from patternlite.tflite import load_delegate

from .builder import RELU, ModelBuilder
from .moving_cases import to_nchw, to_nhwc
from .runtimes import Runtime, assert_close, invoke
from .weights import bias_of, pattern_weights

CHANNELS = 32
Head = Callable[[ModelBuilder, np.random.Generator, int], int]


def conv(
    b: ModelBuilder, rng: np.random.Generator, x: int, filters: int = CHANNELS, stride: int = 1, size: int = 3
) -> int:
    taps = min(4, size * size)
    weights = pattern_weights(rng, filters, size, b.shape(x)[3], taps=taps, kept=0.2)
    return b.conv(x, weights, bias_of(rng, filters), stride=stride, activation=RELU)


def dense(b: ModelBuilder, rng: np.random.Generator, x: int, units: int = 8, keep_dims: bool = False) -> int:
    weights = rng.normal(size=(units, CHANNELS)).astype(np.float32)
    return b.fully_connected(x, weights, bias_of(rng, units), keep_dims=keep_dims)


def one_by_one_convolution(b: ModelBuilder, rng: np.random.Generator, x: int) -> int:
    return conv(b, rng, x, 8, size=1)


# What reads a map of a single position as if it could never be another.
HEADS: dict[str, Head] = {
    "softmax": lambda b, rng, x: b.softmax(one_by_one_convolution(b, rng, x)),
    "softmax-of-two": lambda b, rng, x: b.softmax(b.concatenate(one_by_one_convolution(b, rng, x), x)),
    "dense": lambda b, rng, x: dense(b, rng, x, keep_dims=True),
    "dense-rows": dense,
    "dense-flat": lambda b, rng, x: dense(b, rng, b.reshape(x, -1, CHANNELS)),
    "dense-row": lambda b, rng, x: dense(b, rng, b.reshape(x, 1, -1)),
    "rows-of-nchw": lambda b, rng, x: b.reshape(to_nchw(b, x), -1, CHANNELS),
    "dense-twice": lambda b, rng, x: dense(b, rng, dense(b, rng, b.reshape(x, -1, CHANNELS), CHANNELS)),
    "dense-softmax": lambda b, rng, x: b.softmax(dense(b, rng, x, keep_dims=True)),
    "rows-softmax": lambda b, rng, x: b.softmax(dense(b, rng, b.reshape(x, -1, CHANNELS))),
    "rows-concatenation": lambda b, rng, x: b.concatenate(
        b.reshape(x, -1, CHANNELS), b.reshape(conv(b, rng, x), -1, CHANNELS)
    ),
    "pixels-as-images": lambda b, rng, x: conv(b, rng, b.reshape(x, -1, 1, 1, CHANNELS)),
    "rows-as-columns": lambda b, rng, x: conv(b, rng, b.transpose(x, 0, 2, 1, 3)),
    "context": lambda b, rng, x: b.add(x, b.mean(x, keep_dims=True)),
    "context-first": lambda b, rng, x: b.add(b.mean(x, keep_dims=True), x),
    "context-then-more": lambda b, rng, x: conv(b, rng, b.add(b.mean(x, keep_dims=True), x)),
    "split": lambda b, rng, x: b.concatenate(*b.split(conv(b, rng, x), 4)[::-1]),
    "corner": lambda b, rng, x: b.strided_slice(
        conv(b, rng, x), slice(None), slice(5), slice(-4, None, 2), slice(None)
    ),
    "norm": lambda b, rng, x: b.binary(
        "Mul", b.binary("Add", x, b.constant(bias_of(rng, CHANNELS))), b.constant(bias_of(rng, CHANNELS))
    ),
    "pad": lambda b, rng, x: b.conv(
        b.pad(x, ((0, 0), (0, 1), (0, 1), (0, 0))),
        pattern_weights(rng, 8, 1, CHANNELS, taps=1), bias_of(rng, 8), stride=2,
    ),
}  # fmt: skip


def two_layers(b: ModelBuilder, rng: np.random.Generator, x: int) -> int:
    return conv(b, rng, conv(b, rng, x))


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("head", HEADS)
def test_a_size_left_open(runtime: Runtime, rng: np.random.Generator, head: str, force: bool) -> None:
    """Converters write 1x1 there."""
    b = ModelBuilder()
    x = b.input(1, 1, 1, CHANNELS, signature=(1, -1, -1, CHANNELS))
    model = b.build(HEADS[head](b, rng, two_layers(b, rng, x)))
    delegate = load_delegate(force=force)
    check_sizes(runtime, rng, model, delegate, [(1, 20, 20), (1, 1, 1), (1, 9, 14), (2, 1, 1)])
    assert any(row["kernel"] != "stock" for row in delegate.layers)


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("head", HEADS)
def test_a_map_that_ends_as_one_position(
    runtime: Runtime, rng: np.random.Generator, head: str, force: bool
) -> None:
    b = ModelBuilder()
    y = b.input(1, 16, 16, CHANNELS)
    for _ in range(4):
        y = conv(b, rng, y, stride=2)
    model = b.build(HEADS[head](b, rng, y))
    check_sizes(runtime, rng, model, load_delegate(force=force), [(1, 16, 16), (1, 32, 48), (2, 16, 16)])


# What makes one row of all images, and at other batches goes on to do so.
ONE_ROW: dict[str, Head] = {
    "row": lambda b, rng, x: b.reshape(x, 1, -1),
    "row-relu": lambda b, rng, x: b.unary("RELU", b.reshape(x, 1, -1)),
    "row-softmax": lambda b, rng, x: b.softmax(b.reshape(x, 1, -1)),
    "dense-row": lambda b, rng, x: dense(b, rng, b.reshape(x, 1, -1)),
    "dense-row-softmax": lambda b, rng, x: b.softmax(dense(b, rng, b.reshape(x, 1, -1))),
    "transposed": lambda b, rng, x: one_by_one_convolution(b, rng, b.transpose(x, 1, 0, 2, 3)),
    "transposed-relu": lambda b, rng, x: b.unary("RELU", b.transpose(x, 2, 1, 0, 3)),
    "dense-row-of-vectors": lambda b, rng, x: dense(b, rng, b.reshape(b.mean(x, keep_dims=False), 1, -1)),
}


@pytest.mark.parametrize("head", ONE_ROW)
def test_a_row_of_all_images(runtime: Runtime, rng: np.random.Generator, head: str) -> None:
    b = ModelBuilder()
    y = b.mean(conv(b, rng, b.input(1, 8, 8, CHANNELS)), keep_dims=True)
    model = b.build(ONE_ROW[head](b, rng, y))
    delegate = load_delegate(force=True)
    check_sizes(runtime, rng, model, delegate, [(1, 8, 8), (2, 8, 8), (1, 4, 8), (3, 8, 8)])
    assert all(row["kernel"] != "stock" for row in delegate.layers)


def test_a_dense_layer_of_a_turned_position_is_taken(litert: Runtime, rng: np.random.Generator) -> None:
    """VGG at 32x32: at other sizes, stock would multiply parts of images."""
    b = ModelBuilder()
    y = conv(b, rng, b.input(1, 2, 2, CHANNELS), stride=2)
    model = b.build(dense(b, rng, b.reshape(to_nchw(b, y), -1, CHANNELS)))
    delegate = load_delegate(force=True)
    check_sizes(litert, rng, model, delegate, [(1, 2, 2), (3, 2, 2)])
    assert all(row["kernel"] != "stock" for row in delegate.layers)


def test_an_operand_of_one_image(runtime: Runtime, rng: np.random.Generator) -> None:
    """It goes with every image of the other's batch."""
    b = ModelBuilder()
    x, y = b.input(1, 8, 8, CHANNELS), b.input(1, 8, 8, CHANNELS)
    model = b.build(b.add(conv(b, rng, x), conv(b, rng, y)))
    ours, stock = runtime.interpreter(model, load_delegate(force=True)), runtime.interpreter(model)
    for first, second in ((1, 1), (3, 1), (1, 2), (2, 2)):
        inputs = [rng.normal(size=(n, 8, 8, CHANNELS)).astype(np.float32) for n in (first, second)]
        assert_close(invoke(ours, inputs), invoke(stock, inputs))


# Of two maps in NCHW, of which one may be a single image.
OF_TWO: dict[str, Callable[[ModelBuilder, int, int], int]] = {
    "sum": lambda b, x, y: b.add(x, y),
    "product": lambda b, x, y: b.binary("Mul", x, y),
    "both": lambda b, x, y: b.concatenate(b.add(x, y), b.binary("Mul", y, x), axis=1),
    "padded": lambda b, x, y: b.pad(b.add(x, y), ((0, 0), (0, 0), (1, 2), (0, 3))),
}


def of_two_turned(rng: np.random.Generator, join: Callable[[ModelBuilder, int, int], int]) -> bytes:
    b = ModelBuilder()
    turned = [to_nchw(b, conv(b, rng, b.input(1, 8, 8, CHANNELS))) for _ in range(2)]
    return b.build(to_nhwc(b, join(b, *turned)))


@pytest.mark.parametrize("join", OF_TWO)
def test_an_operand_of_one_image_in_nchw(runtime: Runtime, rng: np.random.Generator, join: str) -> None:
    model = of_two_turned(rng, OF_TWO[join])
    delegate = load_delegate(force=True)
    ours, stock = runtime.interpreter(model, delegate), runtime.interpreter(model)
    assert all(row["kernel"] != "stock" for row in delegate.layers)
    for batches in ((1, 1), (1, 4), (4, 1), (4, 4)):
        inputs = [rng.normal(size=(n, 8, 8, CHANNELS)).astype(np.float32) for n in batches]
        assert_close(invoke(ours, inputs), invoke(stock, inputs))


@pytest.mark.parametrize("batches", [(1, 4), (4, 1)])
def test_the_first_image_of_a_sum_in_nchw(litert: Runtime, rng: np.random.Generator, batches) -> None:
    """Which the delegate does not cut out: an error, never all images."""
    first = of_two_turned(rng, lambda b, x, y: b.slice(b.add(x, y), (0, 0, 0, 0), (1, -1, -1, -1)))
    ours = litert.interpreter(first, load_delegate(force=True))
    with pytest.raises(RuntimeError, match="declined:axes"):
        invoke(ours, [np.zeros((batch, 8, 8, CHANNELS), np.float32) for batch in batches])


# Of maps of 8 x 8.
OF_ANY_BATCH: dict[str, Head] = {
    "dense": lambda b, rng, x: dense(b, rng, b.reshape(b.mean(x, keep_dims=True), -1, CHANNELS)),
    "nchw": lambda b, rng, x: to_nhwc(b, b.unary("TANH", to_nchw(b, x))),
    "map-of-channels": lambda b, rng, x: conv(
        b, rng, b.reshape(dense(b, rng, b.mean(x, keep_dims=False), 4 * 4 * 8), -1, 4, 4, 8)
    ),
    "shuffle": lambda b, rng, x: b.reshape(
        b.transpose(b.reshape(b.resize_nearest(x, 6, 6), -1, 6, 6, 4, CHANNELS // 4), 0, 1, 2, 4, 3),
        -1, 6, 6, CHANNELS,
    ),
}  # fmt: skip


@pytest.mark.parametrize("head", OF_ANY_BATCH)
def test_an_empty_batch(runtime: Runtime, rng: np.random.Generator, head: str) -> None:
    b = ModelBuilder()
    y = two_layers(b, rng, b.input(2, 8, 8, CHANNELS, signature=(-1, 8, 8, CHANNELS)))
    y = OF_ANY_BATCH[head](b, rng, y)
    model, shape = b.build(y), b.shape(y)[1:]
    ours, stock = runtime.interpreter(model, load_delegate(force=True)), runtime.interpreter(model)
    for batch in (2, 0, 3):
        x = [rng.normal(size=(batch, 8, 8, CHANNELS)).astype(np.float32)]
        answer = invoke(ours, x)
        if batch:
            assert_close(answer, invoke(stock, x))
        else:  # stock's is of some other shape in two of the runtimes
            assert answer[0].shape == (0, *shape)


def test_slices_of_an_empty_batch(runtime: Runtime, rng: np.random.Generator) -> None:
    """Which XNNPACK does not resize."""
    b = ModelBuilder()
    y = b.slice(conv(b, rng, b.input(2, 8, 8, CHANNELS)), (0, 2, 0, 0), (-1, 5, -1, 9))
    model = b.build(b.strided_slice(y, slice(None), slice(4), slice(1, None, 3), slice(7)))
    ours = runtime.interpreter(model, load_delegate(force=True))
    x = [rng.normal(size=(2, 8, 8, CHANNELS)).astype(np.float32)]
    expected = runtime.run(model, x)
    for _ in range(2):
        assert_close(invoke(ours, x), expected)
        assert invoke(ours, [x[0][:0]])[0].shape == (0, 4, 3, 7)


def test_an_empty_batch_is_no_image(runtime: Runtime, rng: np.random.Generator) -> None:
    b = ModelBuilder()
    y = b.reshape(dense(b, rng, b.input(1, CHANNELS), 4 * 4 * 8), 1, 4, 4, 8)
    ours = runtime.interpreter(b.build(conv(b, rng, y)), load_delegate(force=True))
    with pytest.raises(RuntimeError, match=r"(?i)reshape"):  # stock refuses it, too
        invoke(ours, [np.zeros((0, CHANNELS), np.float32)])


def test_no_image_goes_with_those_of_another_batch(runtime: Runtime, rng: np.random.Generator) -> None:
    b = ModelBuilder()
    x, y = b.input(1, 8, 8, CHANNELS), b.input(1, 8, 8, CHANNELS)
    ours = runtime.interpreter(b.build(conv(b, rng, x), conv(b, rng, y)), load_delegate(force=True))
    with pytest.raises(RuntimeError, match="declined:dynamic-shape"):
        invoke(ours, [np.zeros((batch, 8, 8, CHANNELS), np.float32) for batch in (0, 2)])


@pytest.mark.parametrize("activation", [None, "RELU"])
def test_rows_of_whole_maps(runtime: Runtime, rng: np.random.Generator, activation: str | None) -> None:
    """At other sizes, they are rows of parts of maps."""
    b = ModelBuilder()
    y = b.reshape(two_layers(b, rng, b.input(1, 8, 8, CHANNELS)), -1, 8 * 8 * CHANNELS)
    model = b.build(b.unary(activation, y) if activation else y)
    delegate = load_delegate(force=True)
    check_sizes(runtime, rng, model, delegate, [(1, 8, 8), (1, 16, 8), (3, 8, 8), (2, 4, 8)])
    assert all(row["kernel"] != "stock" for row in delegate.layers)


def test_rows_of_whole_maps_that_are_multiplied(
    litert: Runtime, rng: np.random.Generator, capfd: pytest.CaptureFixture[str]
) -> None:
    b = ModelBuilder()
    y = two_layers(b, rng, b.input(1, 8, 8, CHANNELS))
    y = b.reshape(b.reshape(y, -1, 8 * 8 * CHANNELS), 1, 8 * 8 * CHANNELS)
    model = b.build(b.fully_connected(y, pattern_weights(rng, 4, 8, CHANNELS).reshape(4, -1), None))
    check_sizes(litert, rng, model, load_delegate(force=True), [(1, 8, 8)])
    assert "2/2 CONV_2D in 1 partition" in capfd.readouterr().err


def test_a_sum_of_rows_of_two_maps(runtime: Runtime, rng: np.random.Generator) -> None:
    """It asks for as many positions, not for maps as high."""
    b = ModelBuilder()
    x, y = b.input(1, 8, 8, CHANNELS), b.input(1, 8, 8, CHANNELS)
    model = b.build(b.add(*(b.reshape(two_layers(b, rng, part), -1, CHANNELS) for part in (x, y))))
    ours, stock = runtime.interpreter(model, load_delegate(force=True)), runtime.interpreter(model)
    for first in ((1, 8, 8), (1, 4, 16), (2, 4, 8)):
        inputs = [rng.normal(size=(*size, CHANNELS)).astype(np.float32) for size in (first, (1, 8, 8))]
        assert_close(invoke(ours, inputs), invoke(stock, inputs))


def test_a_dense_layer_of_a_map_is_taken(litert: Runtime, rng: np.random.Generator) -> None:
    b = ModelBuilder()
    model = b.build(dense(b, rng, two_layers(b, rng, b.input(2, 11, 13, CHANNELS)), keep_dims=True))
    delegate = load_delegate(force=True)
    check_sizes(litert, rng, model, delegate, [(2, 11, 13)])
    assert [row["kind"] for row in delegate.layers] == ["conv3x3", "conv3x3", "conv1x1"]
    assert all(row["kernel"] != "stock" for row in delegate.layers)


def test_a_reshape_that_names_the_width(litert: Runtime, rng: np.random.Generator) -> None:
    """Any height will do. Of other widths, stock makes rows of parts of rows."""
    b = ModelBuilder()
    y = conv(b, rng, b.input(1, 8, 8, CHANNELS))
    y = b.transpose(b.reshape(y, 1, -1, 8, 4, CHANNELS // 4), 0, 1, 2, 4, 3)
    model = b.build(conv(b, rng, b.reshape(y, 1, -1, 8, CHANNELS)))
    delegate = load_delegate(force=True)
    check_sizes(litert, rng, model, delegate, [(1, 8, 8), (1, 12, 8), (1, 5, 8)])
    ours = litert.interpreter(model, delegate)
    with pytest.raises(RuntimeError, match="make an interpreter without the delegate"):
        invoke(ours, [np.zeros((1, 8, 16, CHANNELS), np.float32)])


def check_sizes(runtime: Runtime, rng: np.random.Generator, model: bytes, delegate, sizes) -> None:
    ours, stock = runtime.interpreter(model, delegate), runtime.interpreter(model)
    for size in sizes:
        x = [rng.normal(size=(*size, CHANNELS)).astype(np.float32)]
        assert_close(invoke(ours, x), invoke(stock, x))
