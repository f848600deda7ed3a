"""The networks that go PyTorch -> ONNX -> MNN, with weights that mean nothing."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from patternlite.demo.slim_resnet18 import BasicBlock, SlimResNet18

from ..accuracy import wide

Shape = tuple[int, int, int, int]  # (N, C, H, W)


class ResNet18(nn.Module):
    """For 224x224 (He et al. 2016, table 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        )
        shapes = ((64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2))
        self.stages = nn.Sequential(
            *(nn.Sequential(BasicBlock(i, o, stride), BasicBlock(o, o, 1)) for i, o, stride in shapes)
        )
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.stages(self.stem(x)))


class Tiny(SlimResNet18):
    """For the tests."""

    widths = (8, 16, 16, 32)


def vgg16() -> nn.Sequential:
    """Simonyan and Zisserman 2015, column D."""
    layers: list[nn.Module] = []
    channels = 3
    for width, depth in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(depth):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2))
    head = [nn.Flatten(), nn.Linear(512 * 7 * 7, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU()]
    return nn.Sequential(*layers, *head, nn.Linear(4096, 1000))


NETWORKS: dict[str, tuple[Callable[[], nn.Module], Shape]] = {
    "resnet18": (ResNet18, (1, 3, 224, 224)),
    "vgg16": (vgg16, (1, 3, 224, 224)),
    "resnet18-cifar": (wide.resnet18, (1, 3, 32, 32)),
    "tiny": (Tiny, (1, 3, 16, 16)),
}


@torch.no_grad()
def with_random_weights(net: str, seed: int = 0) -> nn.Module:
    """In eval mode: weights as He et al. 2015, batch norms near 1. The same seed, the same weights."""
    torch.manual_seed(seed)
    model = NETWORKS[net][0]().eval()
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                module.bias.normal_(std=1 / 16)
        elif isinstance(module, nn.BatchNorm2d):
            for name, value in module.state_dict().items():
                if name in ("weight", "running_var"):
                    value.uniform_(0.8, 1.25)
                elif name in ("bias", "running_mean"):
                    value.normal_(std=1 / 16)
    return model
