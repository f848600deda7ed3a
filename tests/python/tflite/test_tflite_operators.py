"""Every operator the delegate takes, against the stock runtime."""

from __future__ import annotations

import numpy as np
import pytest

from patternlite.tflite import load_delegate

from .builder import ModelBuilder
from .computing_cases import COMPUTING, Case, by_channels, conv_case, transposed
from .moving_cases import MOVING, to_nchw, to_nhwc
from .networks import PAD_1, variable
from .norm_cases import NO_NORMS, NORMS
from .runtimes import Runtime, assert_close

CASES = COMPUTING | MOVING | NORMS


@pytest.mark.parametrize("name", CASES)
def test_operator(
    name: str, litert: Runtime, rng: np.random.Generator, capfd: pytest.CaptureFixture[str]
) -> None:
    b = ModelBuilder()
    model = b.build(CASES[name](b, rng, b.input(2, 11, 13, 12)))
    x = rng.normal(size=(2, 11, 13, 12)).astype(np.float32)
    expected = litert.run(model, [x])
    capfd.readouterr()
    actual = litert.run(model, [x], load_delegate(force=True, min_nodes_per_partition=b.operators))
    # One partition of all nodes and no other delegate's kernels: the operator was really ours.
    error = capfd.readouterr().err
    assert "in 1 partition," in error
    assert "XNNPACK" not in error
    assert_close(actual, expected)


def not_foldable() -> dict[str, Case]:
    """A PAD or RESHAPE that the delegate has to leave, next to convolutions that it takes."""
    conv = conv_case()
    return {
        "pad-of-images": lambda b, rng, x: b.pad(conv(b, rng, x), ((1, 0), (0, 0), (0, 0), (0, 0))),
        "pad-behind-images": lambda b, rng, x: b.pad(conv(b, rng, x), ((0, 1), (0, 0), (0, 0), (0, 0))),
        "pad-of-channels": lambda b, rng, x: b.pad(conv(b, rng, x), ((0, 0), (0, 0), (0, 0), (1, 0))),
        "pad-behind-channels": lambda b, rng, x: b.pad(conv(b, rng, x), ((0, 0), (0, 0), (0, 0), (0, 1))),
        "pad-with-ones-before-max-pool": lambda b, rng, x: b.pool(
            b.pad(conv(b, rng, x), PAD_1, 1.0), "MAX", 3
        ),
        "pad-with-ones-before-max-pool-of-no-negatives": lambda b, rng, x: b.pool(
            b.pad(b.unary("RELU", conv(b, rng, x)), PAD_1, 1.0), "MAX", 3
        ),
        "pad-with-minus-ones-before-max-pool": lambda b, rng, x: b.pool(
            b.pad(conv(b, rng, x), PAD_1, -1.0), "MAX", 3
        ),
        "pad-with-minus-ones": lambda b, rng, x: conv(
            b, rng, b.pad(conv_case(filters=12)(b, rng, x), PAD_1, -1.0)
        ),
        "pad-with-ones": lambda b, rng, x: conv(b, rng, b.pad(conv_case(filters=12)(b, rng, x), PAD_1, 1.0)),
        "mirror-pad-of-channels": lambda b, rng, x: b.mirror_pad(
            conv(b, rng, x), ((0, 0), (0, 0), (0, 0), (1, 1))
        ),
        "reshape-at-the-start": lambda b, rng, x: conv(b, rng, b.reshape(x, 2, 11, 13, 12)),
        "reshape-across-images": lambda b, rng, x: b.reshape(conv(b, rng, x), 1, -1),
        "reshape-at-the-end": lambda b, rng, x: b.reshape(conv(b, rng, x), 2, 11, 1, 13, 20),
        "reshape-to-other-rows": lambda b, rng, x: b.reshape(conv(b, rng, x), 2, 13, 11, 20),
        "tile-of-a-map": lambda b, rng, x: b.tile(conv(b, rng, x), 1, 2, 2, 1),
        "tile-of-channels": lambda b, rng, x: b.tile(
            b.reshape(conv(b, rng, x), 2, 11, 1, 13, 20), 1, 1, 1, 1, 2
        ),
        "tile-of-rows-as-they-are": lambda b, rng, x: b.tile(
            b.reshape(conv(b, rng, x), 2, 11, 13, 1, 20), 1, 1, 2, 1, 1
        ),
        "relu-of-an-unfolded-map": lambda b, rng, x: b.unary(
            "RELU", b.reshape(conv(b, rng, x), 2, 11, 1, 13, 20)
        ),
        "multiply-by-a-constant-map": lambda b, rng, x: b.binary(
            "Mul", conv(b, rng, x), b.constant(rng.normal(size=(1, 11, 13, 20)).astype("f"))
        ),
        "multiply-by-constant-rows": lambda b, rng, x: b.binary(
            "Mul", conv(b, rng, x), b.constant(rng.normal(size=(11, 1, 1)).astype("f"))
        ),
        "multiply-by-more-axes": lambda b, rng, x: b.binary(
            "Mul", conv(b, rng, x), b.constant(by_channels(rng, 20).reshape(1, 1, 1, 1, 20))
        ),
        "multiply-flattened-by-a-constant": lambda b, rng, x: b.binary(
            "Mul", b.reshape(conv(b, rng, x), 2, -1), b.constant(by_channels(rng, 11 * 13 * 20))
        ),
        "divide-a-constant": lambda b, rng, x: b.binary(
            "Div", b.constant(by_channels(rng, 20)), b.unary("LOGISTIC", conv(b, rng, x))
        ),
        "subtract": lambda b, rng, x: b.binary("Sub", conv(b, rng, x), conv(b, rng, x)),
        "prelu-of-positions": lambda b, rng, x: b.prelu(
            conv(b, rng, x), rng.normal(size=(11, 13, 20)).astype("f")
        ),
        "transposed-with-gaps": lambda b, rng, x: transposed(2, 20, stride=3)(b, rng, conv(b, rng, x)),
        "split-rows": lambda b, rng, x: b.split(conv(b, rng, x), 11, axis=1)[3],
        "split-images": lambda b, rng, x: b.split(conv(b, rng, x), 2, axis=0)[1],
        "slice-of-images": lambda b, rng, x: b.slice(conv(b, rng, x), (1, 0, 0, 0), (1, -1, -1, -1)),
        "split-of-flattened-maps": lambda b, rng, x: b.split(b.reshape(conv(b, rng, x), 2, 2860), 2)[1],
        "slice-of-flattened-maps": lambda b, rng, x: b.slice(
            b.reshape(conv(b, rng, x), 2, 2860), (0, 5), (-1, 9)
        ),
        "slice-of-all-but-an-ellipsis": lambda b, rng, x: b.strided_slice(
            conv(b, rng, x), slice(None), slice(3, 5), slice(None), slice(None),
            shape=(2, 11, 13, 20), ellipsisMask=1 << 1,
        ),
        "slice-without-an-axis": lambda b, rng, x: b.strided_slice(
            conv(b, rng, x), slice(None), slice(None), slice(3, 4), slice(None),
            shape=(2, 11, 20), shrinkAxisMask=1 << 2,
        ),
        "slice-with-another-axis": lambda b, rng, x: b.strided_slice(
            conv(b, rng, x), slice(None), slice(0, 1), slice(None), slice(None),
            shape=(2, 1, 11, 13, 20), newAxisMask=1 << 1,
        ),
        "slice-whose-ends-count-from-its-begins": lambda b, rng, x: b.strided_slice(
            conv(b, rng, x), slice(None), slice(3, 5), slice(None), slice(None),
            shape=(2, 5, 13, 20), offset=True,
        ),
        "slice-backwards": lambda b, rng, x: b.strided_slice(
            conv(b, rng, x), slice(None), slice(9, 2, -2), slice(None), slice(None)
        ),
        "transpose-of-vectors": lambda b, rng, x: b.transpose(b.mean(conv(b, rng, x), keep_dims=False), 1, 0),
        "squeeze-of-rows": lambda b, rng, x: b.squeeze(b.mean(conv(b, rng, x), keep_dims=True), 1),
        "transpose-of-rows-in-groups": lambda b, rng, x: b.transpose(
            b.reshape(conv(b, rng, x), 2, 11, 13, 4, 5), 0, 2, 1, 3, 4
        ),
        "relu-of-groups": lambda b, rng, x: b.unary("RELU", b.reshape(conv(b, rng, x), 2, 11, 13, 4, 5)),
        "transpose-at-the-end": lambda b, rng, x: to_nchw(b, conv(b, rng, x)),
        "transpose-of-rows": lambda b, rng, x: b.transpose(conv(b, rng, x), 0, 2, 1, 3),
        "transpose-twice": lambda b, rng, x: to_nchw(b, to_nchw(b, conv(b, rng, x))),
        "sum-with-itself-transposed": lambda b, rng, x: b.add(
            y := b.resize_nearest(conv(b, rng, x), 20, 20), to_nchw(b, y)
        ),
        "transposed-times-constant-columns": lambda b, rng, x: to_nhwc(
            b,
            b.binary(
                "Mul",
                to_nchw(b, b.resize_nearest(conv(b, rng, x), 20, 20)),
                b.constant(by_channels(rng, 20)),
            ),
        ),
        "flattened-as-nchw": lambda b, rng, x: b.fully_connected(
            b.reshape(to_nchw(b, conv(b, rng, x)), 2, 2860), rng.normal(size=(5, 2860)).astype("f"), None
        ),
        "pad-of-transposed-channels": lambda b, rng, x: to_nhwc(
            b, b.pad(to_nchw(b, conv(b, rng, x)), ((0, 0), (1, 1), (0, 0), (0, 0)))
        ),
        "mean-of-transposed-channels": lambda b, rng, x: b.mean(
            to_nchw(b, conv(b, rng, x)), keep_dims=True, axes=(1, 2)
        ),
        "relu-of-a-transposed-map": lambda b, rng, x: b.unary("RELU", to_nchw(b, conv(b, rng, x))),
        "concatenate-transposed-at-the-end": lambda b, rng, x: b.concatenate(
            to_nchw(b, conv(b, rng, x)), to_nchw(b, conv(b, rng, x)), axis=1
        ),
        "concatenate-transposed-rows": lambda b, rng, x: to_nhwc(
            b, b.concatenate(to_nchw(b, conv(b, rng, x)), to_nchw(b, conv(b, rng, x)), axis=2)
        ),
        "unknown-at-the-end": lambda b, rng, x: b.unary("ABS", conv(b, rng, x)),
        "softmax-of-a-map": lambda b, rng, x: b.softmax(conv(b, rng, x)),
        "softmax-of-rows-of-any-length": lambda b, rng, x: b.softmax(
            b.reshape(b.mean(conv(b, rng, x), keep_dims=True), 2, -1)
        ),
        "softmax-of-a-flattened-map": lambda b, rng, x: b.softmax(b.reshape(conv(b, rng, x), 2, -1)),
        "concatenate-rows": lambda b, rng, x: b.concatenate(
            conv(b, rng, x), conv_case(filters=20)(b, rng, x), axis=1
        ),
        "concatenate-images": lambda b, rng, x: b.concatenate(conv(b, rng, x), conv(b, rng, x), axis=0),
        "concatenate-flattened-maps": lambda b, rng, x: b.concatenate(
            b.reshape(conv(b, rng, x), 2, 2860), b.reshape(conv(b, rng, x), 2, 2860)
        ),
        "concatenate-a-constant": lambda b, rng, x: b.concatenate(
            conv(b, rng, x), b.constant(rng.normal(size=(2, 11, 13, 3)).astype("f"))
        ),
    }  # fmt: skip


LEFT = not_foldable() | NO_NORMS


@pytest.mark.parametrize("name", LEFT)
def test_what_cannot_be_taken_stays_with_the_runtime(
    name: str, litert: Runtime, rng: np.random.Generator
) -> None:
    b = ModelBuilder()
    model = b.build(LEFT[name](b, rng, b.input(2, 11, 13, 12)))
    x = rng.normal(size=(2, 11, 13, 12)).astype(np.float32)
    delegate = load_delegate(force=True)
    actual = litert.run(model, [x], delegate)
    assert "conv3x3" in {row["kind"] for row in delegate.layers if row["kernel"] != "stock"}
    assert_close(actual, litert.run(model, [x]))
    # Nowhere is there a partition of all nodes: one is left, or stands between two parts.
    whole = load_delegate(force=True, min_nodes_per_partition=b.operators)
    litert.interpreter(model, whole)
    assert {row["kernel"] for row in whole.layers} == {"stock"}


def test_variables_are_left_to_the_runtime(litert: Runtime, rng: np.random.Generator) -> None:
    """Who writes them, and when, is not in the graph."""
    b = ModelBuilder()
    x, state = b.input(1, 11, 13, 12), b.input(1, 11, 13, 20)
    model = variable(b.build(b.add(conv_case()(b, rng, x), state)), state)
    inputs = [rng.normal(size=(1, 11, 13, 12)).astype(np.float32)]
    assert_close(litert.run(model, inputs, load_delegate(force=True)), litert.run(model, inputs))
    whole = load_delegate(force=True, min_nodes_per_partition=b.operators)
    litert.interpreter(model, whole)
    assert {row["kernel"] for row in whole.layers} == {"stock"}


def test_several_outputs_and_renamed_ones(litert: Runtime, rng: np.random.Generator) -> None:
    b = ModelBuilder()
    y = conv_case()(b, rng, b.input(1, 11, 13, 12))
    m = b.mean(y, keep_dims=True)
    model = b.build(y, m, b.reshape(m, 1, 20), b.unary("RELU", m))
    x = rng.normal(size=(1, 11, 13, 12)).astype(np.float32)
    assert_close(litert.run(model, [x], load_delegate(force=True)), litert.run(model, [x]))


def test_two_inputs(litert: Runtime, rng: np.random.Generator) -> None:
    b = ModelBuilder()
    first, second = b.input(2, 11, 13, 12), b.input(2, 11, 13, 20)
    model = b.build(b.add(second, conv_case()(b, rng, first)))
    inputs = [rng.normal(size=shape).astype(np.float32) for shape in ((2, 11, 13, 12), (2, 11, 13, 20))]
    assert_close(litert.run(model, inputs, load_delegate(force=True)), litert.run(model, inputs))
