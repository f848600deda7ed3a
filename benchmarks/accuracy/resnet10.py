"""The small residual network of the accuracy table: ResNet-10 for 32x32 images, 1.2 M parameters."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn


class Block(nn.Module):
    """A basic block that halves the image; its shortcut is a 1x1 convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.c1 = nn.Conv2d(inputs, outputs, 3, 2, 1, bias=False)
        self.b1 = nn.BatchNorm2d(outputs)
        self.c2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.b2 = nn.BatchNorm2d(outputs)
        self.sc = nn.Sequential(nn.Conv2d(inputs, outputs, 1, 2, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.b1(self.c1(x)))
        return torch.relu(self.b2(self.c2(y)) + self.sc(x))


class ResNet10(nn.Module):
    """Input (N, 3, 32, 32), normalised; output (N, classes) logits. 15 M multiply-accumulates.

    The names are those of the trained weights: c, b, l.0 to l.3, fc.
    """

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        widths = (24, 32, 64, 128, 256)
        self.c = nn.Conv2d(3, widths[0], 3, 1, 1, bias=False)
        self.b = nn.BatchNorm2d(widths[0])
        self.l = nn.Sequential(*(Block(i, o) for i, o in pairwise(widths)))
        self.fc = nn.Linear(widths[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.l(torch.relu(self.b(self.c(x)))).mean((2, 3)))


def resnet10() -> ResNet10:
    """Untrained."""
    return ResNet10()
