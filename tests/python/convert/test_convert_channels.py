"""A network that moves channels in all ways that networks do: in the files, and in the delegate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from patternlite.pruning.convert import to_mnn, to_onnx, to_tflite
from patternlite.tflite import load_delegate
from tests.python.tflite.runtimes import Runtime, assert_close


def shuffled(x: Tensor, groups: int) -> Tensor:
    """ShuffleNet's."""
    n, c, h, w = x.shape
    return x.view(n, groups, c // groups, h, w).transpose(1, 2).reshape(n, c, h, w)


class Mover(nn.Module):
    """Halves of YOLOv8, shuffles, groups, a kernel or two for each channel, transposed kernels, pixels made
    of channels, and slopes for each channel (which are all the same before training)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.SiLU())
        self.inner = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.PReLU(8))
        self.grouped = nn.Sequential(nn.Conv2d(24, 16, 3, padding=1, groups=4), nn.PReLU(16))
        self.twice = nn.Conv2d(16, 32, 3, padding=1, groups=16)
        self.up = nn.ConvTranspose2d(32, 16, 2, 2)
        self.pixels = nn.Sequential(nn.PixelShuffle(2), nn.Conv2d(4, 5, 1))

    def forward(self, x: Tensor) -> Tensor:
        first, second = self.stem(x).chunk(2, 1)
        x = torch.cat([first, second, self.inner(second)], 1)
        x = self.grouped(shuffled(x, 4))
        return self.pixels(self.up(torch.tanh(self.twice(x))))


def test_a_network_that_moves_channels(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)
    onnx = to_onnx(Mover(), (1, 3, 20, 24), tmp_path / "mover.onnx")
    to_mnn(onnx, tmp_path / "mover.mnn")  # verifies itself, as to_tflite() does
    content = to_tflite(onnx, tmp_path / "mover.tflite").path.read_bytes()
    x = np.random.default_rng(0).standard_normal((1, 20, 24, 3)).astype(np.float32)
    litert = Runtime("ai_edge_litert.interpreter")
    expected = litert.run(content, [x])
    capfd.readouterr()
    actual = litert.run(content, [x], load_delegate(force=True))
    assert "CONV_2D in 1 partition" in capfd.readouterr().err
    assert expected[0].shape == (1, 40, 48, 5)
    assert_close(actual, expected)
