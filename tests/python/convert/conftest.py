"""One tiny pruned network, converted once for all tests of this folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from patternlite.pruning import Masks
from patternlite.pruning.convert import Conversion, to_mnn, to_onnx, to_tflite

INPUT_SHAPE = (1, 3, 17, 20)


class TinyNet(nn.Module):
    """Strides, a residual, both poolings, a depthwise and a grouped convolution, a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        self.inner = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8))
        self.depthwise = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.ReLU6())
        self.grouped = nn.Conv2d(8, 12, 3, padding=1, groups=2)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.head = nn.Sequential(nn.Conv2d(12, 16, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.fc = nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = torch.relu(self.inner(x) + x)
        return self.fc(self.head(self.pool(self.grouped(self.depthwise(x)))))


def tiny_net(seed: int) -> TinyNet:
    """A network with about half of its convolution weights zero, and lively batch normalisations."""
    torch.manual_seed(seed)
    model = TinyNet()
    with torch.no_grad():
        for layer in model.modules():
            if isinstance(layer, nn.Conv2d):
                layer.weight.mul_(torch.rand_like(layer.weight) > 0.5)
                layer.weight.view(-1)[0] = 1e-8  # small, but no zero
            elif isinstance(layer, nn.BatchNorm2d):
                layer.weight.uniform_(0.5, 1.5)
                layer.bias.normal_()
                layer.running_mean.normal_()
                layer.running_var.uniform_(0.5, 2.0)
    return model


def masks_of(model: nn.Module) -> Masks:
    """Of the 3x3 convolutions: the stem, an inner one, a depthwise and a grouped one."""
    return Masks(
        {
            name: layer.weight != 0
            for name, layer in model.named_modules()
            if isinstance(layer, nn.Conv2d) and layer.kernel_size == (3, 3)
        }
    )


@dataclass(frozen=True)
class Converted:
    model: TinyNet
    masks: Masks
    input_shape: tuple[int, ...]
    folder: Path
    onnx: Conversion
    tflite: Conversion
    mnn: Conversion

    def conv_zeros(self) -> list[np.ndarray]:
        """Per convolution of the PyTorch model: weight == 0, (O, I/groups, H, W)."""
        layers = [layer for layer in self.model.modules() if isinstance(layer, nn.Conv2d)]
        return [layer.weight.detach().numpy() == 0 for layer in layers]

    def sample(self) -> tuple[np.ndarray, np.ndarray]:
        """An input (NCHW) and what the PyTorch model makes of it."""
        x = torch.randn(INPUT_SHAPE, generator=torch.Generator().manual_seed(7))
        self.model.eval()
        with torch.no_grad():
            y = self.model(x)
        return x.numpy(), y.numpy()


@pytest.fixture(scope="session")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Converted:
    folder = tmp_path_factory.mktemp("converted")
    model = tiny_net(seed=0)
    masks = masks_of(model)
    onnx = to_onnx(model, INPUT_SHAPE, folder / "tiny.onnx", masks)
    tflite = to_tflite(onnx, folder / "tiny.tflite")
    mnn = to_mnn(onnx, folder / "tiny.mnn")
    return Converted(model, masks, INPUT_SHAPE, folder, onnx, tflite, mnn)


@pytest.fixture(scope="session")
def mnn_from_tflite(converted: Converted, tmp_path_factory: pytest.TempPathFactory) -> Conversion:
    return to_mnn(converted.tflite, tmp_path_factory.mktemp("from_tflite") / "tiny.mnn")


@pytest.fixture(scope="session")
def other_onnx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same architecture with other weights: what a wrong conversion could look like."""
    return to_onnx(tiny_net(seed=1), INPUT_SHAPE, tmp_path_factory.mktemp("other") / "other.onnx").path
