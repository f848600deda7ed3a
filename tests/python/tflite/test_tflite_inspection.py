"""patternlite.inspect on .tflite files, whole and broken."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

import patternlite
from patternlite.errors import PatternliteError
from patternlite.runtimes.installed import runtime_named
from patternlite.runtimes.sessions import open_session
from patternlite.stored.stamp import KEY, Stamp
from patternlite.tflite import load_delegate

from .builder import TANH, ModelBuilder
from .networks import convolution, dense_weights, joined, packed, unpacked
from .runtimes import Runtime
from .stored_builders import Float16Builder, SparseBuilder
from .weights import bias_of, depthwise_weights, pattern_weights


@pytest.fixture
def sparse_model(rng: np.random.Generator) -> bytes:
    return convolution(rng, lambda *shape: pattern_weights(*shape, kept=0.2))


def write(folder: Path, content: bytes) -> Path:
    path = folder / "model.tflite"
    path.write_bytes(content)
    return path


def test_rows_and_table(tmp_path: Path, sparse_model: bytes) -> None:
    inspection = patternlite.inspect(write(tmp_path, sparse_model))
    (row,) = inspection.layers
    assert row["reason"] == "pattern"
    text = str(inspection)
    assert "conv3x3" in text
    assert "32x16x16" in text
    assert text.splitlines()[-1].startswith("1 of 1 layers of")


def test_a_dense_model(tmp_path: Path, rng: np.random.Generator) -> None:
    inspection = patternlite.inspect(str(write(tmp_path, convolution(rng, dense_weights))))
    assert [(row["reason"], row["kernel"]) for row in inspection.layers] == [("dense:too-few-zeros", "stock")]


@pytest.mark.parametrize("builder", [ModelBuilder, Float16Builder, SparseBuilder])
def test_zeros_of_layers_that_no_kernel_takes(
    tmp_path: Path, rng: np.random.Generator, builder: type[ModelBuilder]
) -> None:
    b = builder()
    y = b.input(1, 8, 8, 16)
    filters = b.constant(pattern_weights(rng, 16, 3, 16, kept=0.5))
    y = b.conv(y, filters, bias_of(rng, 16))
    y = b.conv(y, filters, bias_of(rng, 16), activation=TANH)
    y = b.depthwise(y, depthwise_weights(rng, 3, 16, kept=1), bias_of(rng, 16), activation=TANH)
    y = b.fully_connected(y, np.eye(8, dtype=np.float32), None)
    taken, *declined = patternlite.inspect(write(tmp_path, b.build(y))).layers
    assert [row["reason"] for row in declined] == ["declined:activation"] * 2 + ["declined:depth"]
    for key in ("kept_macs", "kernels_kept", "patterns"):
        assert declined[0][key] == taken[key]
    left = [(row["kept_macs"] / row["dense_macs"], row["patterns"] > 0) for row in declined[1:]]
    assert left == [(pytest.approx(4 / 9), True), (1 / 8, False)]


def test_patterns_are_counted_up_to_512(tmp_path: Path, rng: np.random.Generator) -> None:
    b = ModelBuilder()
    weights = rng.normal(size=(32, 5, 5, 32)).astype(np.float32) * (rng.random((32, 5, 5, 32)) < 0.3)
    y = b.conv(b.input(1, 8, 8, 32), weights, bias_of(rng, 32))
    inspection = patternlite.inspect(write(tmp_path, b.build(y)))
    assert inspection.layers[0]["patterns"] == 512
    assert " 512+ " in str(inspection)


def test_a_transposed_convolution_is_one_layer(rng: np.random.Generator, litert: Runtime) -> None:
    """Also where it runs as several convolutions, one for each part of a block of its output."""
    b, rows = ModelBuilder(), {}
    weights = pattern_weights(rng, 24, 3, 16)
    y = b.conv(b.input(1, 8, 10, 16), pattern_weights(rng, 16, 3, 16), bias_of(rng, 16))
    y = b.transpose_conv(y, weights, bias_of(rng, 24))
    model = b.build(b.conv(y, pattern_weights(rng, 16, 3, 24), bias_of(rng, 16)))
    for force in (True, False):
        delegate = load_delegate(force=True, min_nodes_per_partition=1 if force else 9)
        litert.interpreter(model, delegate)
        assert len(delegate.layers) == 3
        rows[force] = delegate.layers[1]
    taken, declined = rows[True], rows[False]
    for row in rows.values():
        assert (row["kind"], row["filters"], row["channels"]) == ("transposed3x3s2", 24, 16)
        assert (row["height"], row["width"]) == (16, 20)
        assert row["dense_macs"] == weights.size * 8 * 10
        assert row["kept_macs"] == np.count_nonzero(weights) * 8 * 10
        assert row["kernels_kept"] == pytest.approx(np.mean(weights.any(axis=(1, 2))))
    assert taken["patterns"] == declined["patterns"] == 8
    assert taken["kernel"] != "stock"
    assert taken["weight_bytes"] > 4 * np.count_nonzero(weights)
    assert (declined["kernel"], declined["reason"]) == ("stock", "declined:small-partition")
    assert (taken["reason"], declined["weight_bytes"]) == ("sparse-kxk", 0)  # the largest part


def test_the_layers_of_all_graphs(tmp_path: Path, rng: np.random.Generator, sparse_model: bytes) -> None:
    model = joined(sparse_model, convolution(rng, dense_weights))
    inspection = patternlite.inspect(write(tmp_path, model))
    assert [row["kernel"] == "stock" for row in inspection.layers] == [False, True]
    assert inspection.summary.startswith("1 of 2 layers of")
    assert inspection.activation_bytes > 0


@pytest.mark.parametrize("kept", [0.01, 0.5])
def test_a_truncated_file_is_an_error_and_no_crash(tmp_path: Path, sparse_model: bytes, kept: float) -> None:
    path = write(tmp_path, sparse_model[: int(kept * len(sparse_model))])
    with pytest.raises(ValueError, match=r"model\.tflite (is damaged|cannot be loaded)"):
        patternlite.inspect(path)


@pytest.mark.parametrize("signature", [(-1, 16, 16, 8), (1, -1, -1, 8)])
def test_images_of_any_size_are_refused_and_batches_are_not(
    tmp_path: Path, rng: np.random.Generator, signature: tuple[int, ...]
) -> None:
    b = ModelBuilder()
    x = b.input(*(max(n, 1) for n in signature), signature=signature)
    path = write(tmp_path, b.build(b.conv(x, pattern_weights(rng, 32, 3, 8), bias_of(rng, 32))))
    session = partial(open_session, runtime_named("ai-edge-litert"), path)
    if signature[1] > 0:
        assert len(patternlite.inspect(path).layers) == 1
        assert session().input_shape == (1, 8, 16, 16)
        return
    for look in (partial(patternlite.inspect, path), session):
        with pytest.raises(PatternliteError, match="leaves the size of its images open"):
            look()


def stamped(model: bytes, *filters: np.ndarray) -> bytes:
    """The model with the stamp of these filters' masks in its metadata."""
    whole = unpacked(model)
    stamp = Stamp.of(weights.transpose(0, 3, 1, 2) != 0 for weights in filters).to_json()
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = np.frombuffer(stamp.encode(), np.uint8)
    entry.name, entry.buffer = KEY, len(whole.buffers)
    whole.buffers, whole.metadata = [*whole.buffers, buffer], [entry]
    return packed(whole)


@pytest.mark.parametrize(
    ("builder", "lost", "state"),
    [
        (ModelBuilder, False, "matches"),
        (Float16Builder, False, "matches"),
        (SparseBuilder, False, "unread"),
        (ModelBuilder, True, "differs"),
    ],
)
def test_zeros_that_are_not_read_are_not_lost(
    tmp_path: Path, rng: np.random.Generator, builder: type[ModelBuilder], lost: bool, state: str
) -> None:
    b = builder()
    filters = pattern_weights(rng, 16, 3, 8)
    stored = np.where(filters == 0, 1, filters).astype(np.float32) if lost else filters
    model = b.build(b.conv(b.input(1, 8, 8, 8), b.constant(stored), bias_of(rng, 16)))
    masks = patternlite.inspect(write(tmp_path, stamped(model, filters))).masks
    assert (masks.state, masks.layers, masks.unread) == (state, 1, int(state == "unread"))
    assert ("1 convolution stores its weights in a form" in str(masks)) == (state == "unread")


def test_names_of_any_bytes(tmp_path: Path, sparse_model: bytes) -> None:
    assert sparse_model.count(b"t3\0") == 1
    path = write(tmp_path, sparse_model.replace(b"t3\0", b"t\xe9\0"))
    assert [row["name"] for row in patternlite.inspect(path).layers] == ["t\ufffd"]


def test_names_of_any_bytes_in_reasons(rng: np.random.Generator, litert: Runtime) -> None:
    b = ModelBuilder()
    y = b.conv(b.input(1, 8, 8, 8), pattern_weights(rng, 16, 3, 8), bias_of(rng, 16), dilation=1 << 30)
    model = b.build(y)
    assert model.count(b"t3\0") == 1
    delegate = load_delegate(force=True)
    litert.interpreter(model.replace(b"t3\0", b"t\xe9\0"), delegate)
    (row,) = delegate.layers
    assert row["name"] == "t\ufffd"
    assert row["reason"].startswith("declined:engine: node 't\ufffd'")


def test_other_files(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not a TFLite model"):
        patternlite.inspect(write(tmp_path, b"hello"))
    with pytest.raises(ValueError, match=r"neither a \.tflite nor a \.mnn file"):
        patternlite.inspect(tmp_path / "model.onnx")
    with pytest.raises(FileNotFoundError):
        patternlite.inspect(tmp_path / "missing.tflite")
