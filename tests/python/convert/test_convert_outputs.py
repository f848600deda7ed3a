"""Answers that are no real numbers are compared as well."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from patternlite.pruning.convert import ConversionError, to_mnn, to_tflite
from patternlite.runtimes.installed import runtime_named
from patternlite.runtimes.sessions import open_session


def network(path: Path, nodes: list[onnx.NodeProto], kind: int, shape: list[int]) -> Path:
    """A convolution, and what follows it from "x" to "answer"."""
    weights = np.random.default_rng(0).standard_normal((8, 3, 3, 3)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["image", "weights"], ["x"], pads=[1, 1, 1, 1]), *nodes],
        "net",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("answer", kind, shape)],
        [
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(np.zeros((), np.float32), "zero"),
            numpy_helper.from_array(np.array([0], np.int64), "none"),
            numpy_helper.from_array(np.array([1], np.int64), "channels"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, path)
    return path


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    node = helper.make_node("ArgMax", ["x"], ["answer"], axis=1, keepdims=0)
    return network(tmp_path / "classes.onnx", [node], TensorProto.INT64, [1, 8, 8])


def test_integers(classes: Path) -> None:
    mnn = to_mnn(classes, classes.with_suffix(".mnn"))
    assert mnn.max_relative_error == 0
    session = open_session(runtime_named("mnn"), mnn.path)
    answer = session.run(np.random.default_rng(0).standard_normal((1, 3, 8, 8)).astype(np.float32))
    assert answer.shape == (1, 8, 8)
    assert len(np.unique(answer)) > 4, "not those of another type, misread"


def test_booleans(tmp_path: Path) -> None:
    node = helper.make_node("Greater", ["x", "zero"], ["answer"])
    onnx_file = network(tmp_path / "mask.onnx", [node], TensorProto.BOOL, [1, 8, 8, 8])
    assert to_tflite(onnx_file, tmp_path / "mask.tflite").max_relative_error == 0


def test_an_empty_answer_is_refused(tmp_path: Path) -> None:
    node = helper.make_node("Slice", ["x", "none", "none", "channels"], ["answer"])
    onnx_file = network(tmp_path / "empty.onnx", [node], TensorProto.FLOAT, [1, 0, 8, 8])
    with pytest.raises(ConversionError, match="answers with nothing"):
        to_mnn(onnx_file, tmp_path / "empty.mnn")
    assert not (tmp_path / "empty.mnn").exists()
