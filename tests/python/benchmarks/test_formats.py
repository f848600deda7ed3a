"""The same model in every format answers the same, as far as its runtime is installed."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.latency.nets import conditions_for
from benchmarks.models.files import ModelFiles, Rates
from benchmarks.models.formats import mnn_sparse
from benchmarks.rivals import RIVALS
from benchmarks.rivals.onnx_runtime import OnnxRuntimeSession
from benchmarks.rivals.torch_compiled import as_function
from benchmarks.timing.protocol import Contender, measure
from patternlite.runtimes.installed import runtime_named
from patternlite.runtimes.sessions import open_session

RATES = Rates(conv3x3=8.0, conv1x1=4.0, fully_connected=4.0)


def test_onnx_and_torch(files: ModelFiles) -> None:
    """In batches of 2. torch.compile itself is left out: it compiles for half a minute."""
    import onnx
    import torch

    tflite = files.dense("tiny", batch=2)
    path = files.as_format(tflite, ".onnx")
    stock = open_session(runtime_named("tflite-runtime"), tflite)
    image = np.random.default_rng(0).standard_normal(stock.input_shape, np.float32)
    expected = stock.run(image)
    session = OnnxRuntimeSession(path, 1)
    assert session.input_shape == stock.input_shape == (2, 3, 16, 16)
    np.testing.assert_allclose(session.run(image), expected, atol=1e-5)
    answer = as_function(onnx.load(str(path)).graph)(torch.from_numpy(image)).numpy()
    np.testing.assert_allclose(answer, expected, atol=1e-5)


def test_sparse_mnn_and_int8_answer_alike(files: ModelFiles) -> None:
    """Before they are timed, `measure` compares."""
    dense, blocks = files.dense("tiny"), files.pruned("tiny", "blocks", RATES)
    contenders = [
        Contender("TFLite", "tflite-runtime", dense, "dense"),
        Contender("int8", "ai-edge-litert, int8", files.int8(dense), "dense"),
        Contender("TFLite, blocks", "tflite-runtime", blocks, "blocks"),
        Contender("MNN", "mnn, sparse", files.as_format(blocks, RIVALS["mnn, sparse"].suffix), "blocks"),
    ]
    measured, _ = measure(contenders, conditions_for([1], 0.1, "wall")[0])
    assert 1e-6 < measured["int8"].difference < 0.2
    assert measured["MNN"].difference < 1e-5
    assert contenders[1].path.stat().st_size < 0.6 * dense.stat().st_size


def test_what_mnn_is_told() -> None:
    """As MNN_compression.proto has it: a version, and PRUNE (1) by SIMD_OC (1) with blocks of 4."""
    content = b"\x0a\x050.0.0" + bytes([0x12, 0x0A, 0x08, 1, 0x1A, 6, 0x08, 1, 0x1A, 2, 0x20, 4])
    assert mnn_sparse.compression_parameters() == content


def test_rivals_that_are_installed_answer_alike(files: ModelFiles) -> None:
    """Those of the rivals' environment; none on most machines."""
    dense = files.dense("tiny")
    contenders = [Contender("TFLite", "tflite-runtime", dense, "dense")]
    for name, rival in RIVALS.items():
        if rival.apart and rival.version() is not None and name != "tvm, tuned":
            contenders.append(Contender(name, name, files.as_format(dense, rival.suffix), "dense"))
    if len(contenders) == 1:
        pytest.skip("no rivals: python -m benchmarks rivals --install")
    measured, _ = measure(contenders, conditions_for([1], 0.1, "wall")[0])
    assert set(measured) == {c.label for c in contenders}


def test_the_files_of_a_model_are_named_after_it(files: ModelFiles) -> None:
    path = files.as_format(files.dense("tiny"), ".onnx")
    assert path == files.as_format(files.dense("tiny"), ".onnx") and path.name.startswith("tiny-dense-")
    assert all(path.is_file() for path in path.parent.iterdir())
