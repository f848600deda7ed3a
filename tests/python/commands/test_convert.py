"""`patternlite convert` writes files that hold the zeros of their source."""

from __future__ import annotations

from pathlib import Path

import pytest

from patternlite.runtimes.check import PROBES
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


def test_of_a_pytorch_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The dense file for `bench --dense`."""
    import torch

    (tmp_path / "dense_net_of_test.py").write_text(
        "from torch import nn\n\ndef net():\n    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())\n"
    )
    monkeypatch.chdir(tmp_path)
    torch.save({"0.weight": torch.full((4, 3, 3, 3), 0.25), "0.bias": torch.zeros(4)}, "net.pt")
    targets = ["dense.tflite", "dense.mnn"]
    result = run(
        "convert", "dense_net_of_test:net", *targets, "--weights", "net.pt", "--input-shape", "3,12,12"
    )
    assert result.exit_code == 0, result.output
    assert [line.split(":")[0].rpartition("/")[2] for line in result.stdout.splitlines()] == targets
    for name in targets:
        (weight,) = conv_weights(Path(name).read_bytes(), Path(name).suffix)
        assert (weight == 0.25).all()
    assert sorted(path.name for path in tmp_path.glob("*.*")) == [
        "dense.mnn", "dense.tflite", "dense_net_of_test.py", "net.pt",
    ]  # fmt: skip


def test_of_a_tflite_file(tmp_path: Path) -> None:
    target = tmp_path / "net.mnn"
    result = run("convert", PROBES / "probe.tflite", target)
    assert result.exit_code == 0, result.output
    (before,), (after,) = (
        list(conv_weights(path.read_bytes(), path.suffix)) for path in (PROBES / "probe.tflite", target)
    )
    assert (before == 0).sum() == (after == 0).sum() > 0
    assert f"{(before == 0).sum()} zeros in 1 convolutions intact" in result.stdout
