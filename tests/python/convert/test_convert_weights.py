"""The zeros in the files, through readers that verification does not use."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from torch import nn

from patternlite.pruning.convert import to_mnn, to_onnx
from patternlite.stored.weights import conv_weights


def test_tflite_zeros_through_the_schema(converted: Any) -> None:
    model = schema.ModelT.InitFromPackedBuf(converted.tflite.path.read_bytes(), 0)
    graph = model.subgraphs[0]
    masks = []
    for op in graph.operators:
        kind = model.operatorCodes[op.opcodeIndex].builtinCode
        if kind in (schema.BuiltinOperator.CONV_2D, schema.BuiltinOperator.DEPTHWISE_CONV_2D):
            tensor = graph.tensors[op.inputs[1]]
            ohwi = np.frombuffer(bytes(model.buffers[tensor.buffer].data), "<f4").reshape(tensor.shape)
            depthwise = kind == schema.BuiltinOperator.DEPTHWISE_CONV_2D
            masks.append(ohwi.transpose((3, 0, 1, 2) if depthwise else (0, 3, 1, 2)) == 0)
    for zeros in converted.conv_zeros():
        assert any(np.array_equal(zeros, mask) for mask in masks)


def test_mnn_weights_are_those_of_mnns_own_dump(converted: Any, tmp_path: Path) -> None:
    """Guards our reader against changes of MNN's format."""
    dump = tmp_path / "dump.json"
    arguments = ["mnnconvert", "-f", "MNN", "--modelFile", str(converted.mnn.path), "--JsonFile", str(dump)]
    code = f"import _tools; assert _tools.mnnconvert({arguments!r})"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    dumped = [
        op["main"]
        for op in json.loads(dump.read_text())["oplists"]
        if op["type"] in ("Convolution", "ConvolutionDepthwise")
    ]
    read = list(conv_weights(converted.mnn.path.read_bytes(), ".mnn"))
    assert len(read) == len(dumped) > 0
    for weight, conv in zip(read, dumped, strict=True):
        common = conv["common"]
        assert weight.shape[0] == common["outputCount"]
        assert weight.shape[2:] == (common["kernelY"], common["kernelX"])
        # The dump has six decimals: it shows our planted 1e-8 as 0.
        np.testing.assert_allclose(weight.reshape(-1), conv["weight"], rtol=0, atol=1e-6)
    assert any(0 < abs(weight.flat[0]) < 1e-7 for weight in read)


def test_mnn_weights_of_kernels_that_are_not_square(tmp_path: Path) -> None:
    conv = nn.Conv2d(2, 4, (3, 5))
    onnx = to_onnx(nn.Sequential(conv, nn.ReLU()).eval(), (1, 2, 8, 8), tmp_path / "net.onnx")
    mnn = to_mnn(onnx, tmp_path / "net.mnn")
    (read,) = conv_weights(mnn.path.read_bytes(), ".mnn")
    np.testing.assert_allclose(read, conv.weight.detach().numpy(), rtol=0, atol=1e-6)


def test_mnn_zeros_of_plain_convolutions(converted: Any) -> None:
    masks = [weight == 0 for weight in conv_weights(converted.mnn.path.read_bytes(), ".mnn")]
    for zeros in converted.conv_zeros():
        parts = [zeros] if len(zeros) != 12 else np.split(zeros, 2)  # MNN: one convolution per group
        for part in parts:
            assert any(np.array_equal(part, mask) for mask in masks)
