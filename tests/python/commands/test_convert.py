"""`patternlite convert` writes files that hold the zeros of their source."""

from __future__ import annotations

from pathlib import Path

import pytest

from patternlite.commands.doctor import PROBES
from patternlite.stored.weights import conv_weights

from .command_line import run

pytest.importorskip("onnx2tf")
pytest.importorskip("MNN")


@pytest.fixture(scope="module")
def onnx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A convolution with 100 zeros."""
    import torch
    from torch import nn

    from patternlite.pruning.convert import to_onnx

    torch.manual_seed(0)
    layer = nn.Conv2d(3, 8, 3)
    with torch.no_grad():
        layer.weight.view(-1)[:100] = 0
    path = tmp_path_factory.mktemp("convert") / "net.onnx"
    return to_onnx(nn.Sequential(layer, nn.ReLU()), (1, 3, 12, 12), path).path


@pytest.mark.parametrize("suffix", [".tflite", ".mnn"])
def test_of_an_onnx_file(onnx: Path, suffix: str, tmp_path: Path) -> None:
    target = tmp_path / f"net{suffix}"
    result = run("convert", onnx, target)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"{target}: error ")
    assert "100 zeros in 1 convolutions intact" in result.stdout
    assert [(weight == 0).sum() for weight in conv_weights(target.read_bytes(), suffix)] == [100]


def test_of_a_tflite_file(tmp_path: Path) -> None:
    target = tmp_path / "net.mnn"
    result = run("convert", PROBES / "probe.tflite", target)
    assert result.exit_code == 0, result.output
    (before,), (after,) = (
        list(conv_weights(path.read_bytes(), path.suffix)) for path in (PROBES / "probe.tflite", target)
    )
    assert (before == 0).sum() == (after == 0).sum() > 0
    assert f"{(before == 0).sum()} zeros in 1 convolutions intact" in result.stdout
