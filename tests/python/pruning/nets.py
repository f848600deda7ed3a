"""Small networks for the pruning tests; one is trained for a second on classes made up on the spot."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from patternlite.pruning.sources import dead_leaves


class Block(nn.Module):
    """A residual block whose shortcut is a 1x1 convolution, run after the branch."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, 2, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        y += self.shortcut(x)
        return torch.relu(y)


class Tiny(nn.Module):
    """A residual network for (3, 16, 16), seven convolutions, four of them to prune."""

    def __init__(self, classes: int = 4) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 12, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(12)
        self.blocks = nn.Sequential(Block(12, 24), Block(24, 32))
        self.head = nn.Linear(32, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(torch.relu(self.norm(self.stem(x))))
        return self.head(x.mean((2, 3)))


def plain(norm: bool = True, bias: bool = False, affine: bool = True) -> nn.Sequential:
    """Three convolutions in a row, for (3, 12, 12)."""
    layers: list[nn.Module] = []
    for inputs, outputs in ((3, 8), (8, 12), (12, 12)):
        layers.append(nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias))
        layers += [nn.BatchNorm2d(outputs, affine=affine)] if norm else []
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 4))


def textures(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Four classes of 16x16 waves, by direction and frequency, over leaves. Normalised pixels and labels."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(4, (count,), generator=generator)
    phase = torch.rand(count, 1, 1, generator=generator) * 6.3
    rows, cols = torch.arange(16).view(1, -1, 1), torch.arange(16).view(1, 1, -1)
    along = torch.where((labels % 2 == 0).view(-1, 1, 1), rows + 0 * cols, cols + 0 * rows)
    wave = torch.sin(along * torch.where(labels < 2, 0.6, 1.5).view(-1, 1, 1) + phase)
    pixels = (dead_leaves(count, (3, 16, 16), generator) + 0.15 * wave[:, None]).clamp(0, 1)
    return (pixels - 0.5) / 0.25, labels


def trained() -> nn.Module:
    """`Tiny`, taught the textures in a few seconds; in eval mode."""
    torch.manual_seed(0)
    model = Tiny()
    steps = 150
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, steps)
    for step in range(steps):
        x, labels = textures(64, step)
        optimizer.zero_grad()
        F.cross_entropy(model(x), labels).backward()
        optimizer.step()
        schedule.step()
    return model.eval()


@torch.no_grad()
def accuracy(model: nn.Module) -> float:
    x, labels = textures(256, 10_000)
    return float((model(x).argmax(1) == labels).float().mean())
