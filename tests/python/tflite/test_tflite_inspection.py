"""patternlite.inspect on .tflite files, whole and broken."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

import patternlite
from patternlite.errors import PatternliteError
from patternlite.runtimes import open_session, runtime_named

from .builder import ModelBuilder, bias_of, pattern_weights
from .networks import convolution, dense_weights, joined


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
        with pytest.raises((PatternliteError, ValueError), match="leaves the size of its images open"):
            look()


def test_other_files(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not a TFLite model"):
        patternlite.inspect(write(tmp_path, b"hello"))
    with pytest.raises(ValueError, match=r"neither a \.tflite nor a \.mnn file"):
        patternlite.inspect(tmp_path / "model.onnx")
    with pytest.raises(FileNotFoundError):
        patternlite.inspect(tmp_path / "missing.tflite")
