"""The written files, run by stock runtimes the way a user would."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from ai_edge_litert.interpreter import Interpreter

from patternlite.pruning.convert import Conversion, to_mnn, to_onnx, to_tflite
from patternlite.runtimes.installed import runtime_named
from patternlite.runtimes.sessions import open_session

RUN_MNN = """
import sys, numpy as np, MNN.nn as nn, MNN.expr as F
path, folder, layout = sys.argv[1:]
x = np.load(folder + "/x.npy")
net = nn.load_module_from_file(path, [], [])
y = net.forward([F.const(x, list(x.shape), getattr(F, layout))])[0]
np.save(folder + "/y.npy", F.convert(y, F.NCHW).read())
"""


def run_mnn(path: Path, x: np.ndarray, layout: str, folder: Path) -> np.ndarray:
    """Through MNN's module interface, which verification does not use."""
    np.save(folder / "x.npy", x)
    command = [sys.executable, "-c", RUN_MNN, str(path), str(folder), layout]
    subprocess.run(command, check=True, capture_output=True)
    return np.load(folder / "y.npy")


def nhwc(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1))


def test_onnx_computes_the_same(converted: Any) -> None:
    x, expected = converted.sample()
    session = onnxruntime.InferenceSession(converted.onnx.path)
    np.testing.assert_allclose(session.run(["output"], {"input": x})[0], expected, rtol=0, atol=1e-5)


def test_tflite_computes_the_same(converted: Any) -> None:
    x, expected = converted.sample()
    run = Interpreter(model_path=str(converted.tflite.path)).get_signature_runner("serving_default")
    np.testing.assert_allclose(run(input=nhwc(x))["output"], expected, rtol=0, atol=1e-5)


def test_mnn_computes_the_same(converted: Any, tmp_path: Path) -> None:
    x, expected = converted.sample()
    actual = run_mnn(converted.mnn.path, x, "NCHW", tmp_path)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5)


def test_mnn_from_tflite_keeps_nhwc(converted: Any, mnn_from_tflite: Conversion, tmp_path: Path) -> None:
    x, expected = converted.sample()
    assert mnn_from_tflite.convs_checked == len(converted.conv_zeros())
    actual = run_mnn(mnn_from_tflite.path, nhwc(x), "NHWC", tmp_path)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", ["tflite", "mnn", "mnn from tflite"])
def test_sessions_take_and_give_what_torch_does(
    converted: Any, mnn_from_tflite: Conversion, kind: str
) -> None:
    """Neither square nor NHWC, whatever the file has."""
    files = {"tflite": converted.tflite, "mnn": converted.mnn, "mnn from tflite": mnn_from_tflite}
    x, expected = converted.sample()
    session = open_session(runtime_named("ai-edge-litert" if kind == "tflite" else "mnn"), files[kind].path)
    assert session.input_shape == x.shape
    np.testing.assert_allclose(session.run(x), expected, rtol=0, atol=1e-5)


def test_the_results_describe_the_check(converted: Any) -> None:
    zeros = converted.conv_zeros()
    for result in (converted.onnx, converted.tflite, converted.mnn):
        assert result.path.is_file()
        assert 0 <= result.max_relative_error < 1e-5
        assert result.convs_checked == len(zeros)
        assert result.zeros_checked == sum(z.sum() for z in zeros)
        assert str(result).startswith(f"{result.path}: error ")


def test_only_the_files_are_left(converted: Any) -> None:
    names = {path.name for path in converted.folder.iterdir()}
    assert names == {"tiny.onnx", "tiny.tflite", "tiny.mnn"}


def test_the_model_keeps_its_modes_and_weights(converted: Any, tmp_path: Path) -> None:
    model = converted.model.train()
    model.stem.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    to_onnx(model, converted.input_shape, tmp_path / "again.onnx")
    assert model.training
    assert model.inner[1].training
    assert not model.stem.training
    assert not model.stem[1].training
    assert all(value.equal(before[name]) for name, value in model.state_dict().items())


def test_converters_are_silent(
    converted: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    onnx = to_onnx(converted.model, converted.input_shape, tmp_path / "silent.onnx")
    to_mnn(onnx, tmp_path / "silent.mnn")
    assert capfd.readouterr() == ("", "")
    assert not list(recwarn)


def test_sessions_read_maps_in_their_layout(tmp_path: Path) -> None:
    """A map that TensorFlow's converter wrote has its channels last, in MNN, too."""
    onnx = to_onnx(torch.nn.Conv2d(3, 5, 3), (1, 3, 9, 7), tmp_path / "map.onnx")
    tflite = to_tflite(onnx, tmp_path / "map.tflite")
    mnn = to_mnn(tflite, tmp_path / "map.mnn")
    x = np.random.default_rng(0).standard_normal((1, 3, 9, 7)).astype(np.float32)
    expected = open_session(runtime_named("ai-edge-litert"), tflite.path).run(x)
    assert expected.shape == (1, 7, 5, 5)
    actual = open_session(runtime_named("mnn"), mnn.path).run(x)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5)
