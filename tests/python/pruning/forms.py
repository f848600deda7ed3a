"""The graph forms that users have, in plain torch, with random weights: as published, but narrow.

The last two are whole, for runs by hand (see CONTRIBUTING.md).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from patternlite.pruning.sources import draw


def settled(model: nn.Module, shape: tuple[int, int, int], images: int = 64) -> nn.Module:
    """In eval mode, its norms with gains of their own and with the statistics of images as pruning draws."""
    torch.manual_seed(0)
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
        if norm.affine:
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.normal_(norm.bias, std=0.3)
    for module in model.modules():
        if isinstance(module, Sum):  # as training leaves them: what a block adds is less than what it keeps
            ends = [norm for norm in module.branch.modules() if isinstance(norm, nn.BatchNorm2d)]
            nn.init.uniform_(ends[-1].weight, 0.1, 0.5)
    with torch.no_grad():
        model.train()((draw("mix", images, shape, seed=0, purpose="settle") - 0.5) / 0.25)
    return model.eval()


def unit(
    inputs: int, outputs: int, size: int = 3, stride: int = 1, groups: int = 1, act: type | None = nn.ReLU
) -> nn.Sequential:
    """Convolution, norm and activation."""
    conv = nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), *([act()] if act else []))


class Odd(nn.Module):
    """Two units, and what `extra` adds or does to them."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(unit(3, 8), unit(8, 8))
        self.extra()

    def extra(self) -> None:
        pass

    def forward(self, x: Tensor) -> object:
        return self.body(x)


class Sum(nn.Module):
    """branch(x) + shortcut(x)"""

    def __init__(self, branch: nn.Module, shortcut: nn.Module | None = None) -> None:
        super().__init__()
        self.branch, self.shortcut = branch, shortcut or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.branch(x) + self.shortcut(x)


class Windows(nn.Module):
    """A layer on the whole map, and one on its quarters as if they were images."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.stem, self.whole, self.part = unit(3, width), unit(width, width), unit(width, width)

    def forward(self, x: Tensor) -> Tensor:
        halves = self.whole(self.stem(x)).chunk(2, 2)
        quarters = torch.cat([quarter for half in halves for quarter in half.chunk(2, 3)])
        return self.part(quarters).mean((2, 3)).view(4, len(x), -1).mean(0)


def head(width: int, classes: int = 10) -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes)]


def resnet(
    depths: tuple[int, ...],
    width: int,
    *,
    bottleneck: bool = False,
    grouped: int = 0,
    classes: int = 10,
) -> nn.Sequential:
    """He et al. 2016, strides as torchvision's; or RegNet's form, its 3x3 in groups of `grouped`."""
    layers: list[nn.Module] = [unit(3, width, 7, 2), nn.MaxPool2d(3, 2, 1)]
    inputs = width
    for stage, depth in enumerate(depths):
        middle = width << stage
        outputs = 4 * middle if bottleneck and not grouped else middle
        for i in range(depth):
            stride = 2 if stage and not i else 1
            if bottleneck:
                branch = nn.Sequential(
                    unit(inputs, middle, 1),
                    unit(middle, middle, 3, stride, middle // grouped if grouped else 1),
                    unit(middle, outputs, 1, act=None),
                )
            else:
                branch = nn.Sequential(unit(inputs, middle, 3, stride), unit(middle, outputs, 3, act=None))
            same = stride == 1 and inputs == outputs
            shortcut = nn.Identity() if same else unit(inputs, outputs, 1, stride, act=None)
            layers += [Sum(branch, shortcut), nn.ReLU(inplace=True)]
            inputs = outputs
    return nn.Sequential(*layers, *head(inputs, classes))


def resnet18() -> nn.Module:
    return resnet((2, 2, 2, 2), 8)


def resnet50() -> nn.Module:
    return resnet((3, 4, 6, 3), 8, bottleneck=True)


def regnet() -> nn.Module:
    """Radosavovic et al. 2020, X."""
    return resnet((1, 2, 3, 1), 16, bottleneck=True, grouped=8)


def vgg16_bn() -> nn.Module:
    """Simonyan & Zisserman 2015, D, with norms."""
    layers: list[nn.Module] = []
    inputs = 3
    for width, depth in ((8, 2), (16, 2), (32, 3), (64, 3), (64, 3)):
        for _ in range(depth):
            layers.append(unit(inputs, width))
            inputs = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, *head(inputs))


def inverted(inputs: int, outputs: int, expansion: int, size: int, stride: int) -> nn.Module:
    """MobileNetV2's block, whose end is linear."""
    middle = inputs * expansion
    branch = nn.Sequential(
        *([unit(inputs, middle, 1, act=nn.ReLU6)] if expansion > 1 else []),
        unit(middle, middle, size, stride, middle, act=nn.ReLU6),
        unit(middle, outputs, 1, act=None),
    )
    return Sum(branch) if stride == 1 and inputs == outputs else branch


def mobile(blocks: tuple[tuple[int, int, int, int, int], ...], last: int) -> nn.Sequential:
    """blocks: (expansion, channels, repeats, stride, kernel size)."""
    layers: list[nn.Module] = [unit(3, 8, 3, 2, act=nn.ReLU6)]
    inputs = 8
    for expansion, outputs, repeats, stride, size in blocks:
        for i in range(repeats):
            layers.append(inverted(inputs, outputs, expansion, size, 1 if i else stride))
            inputs = outputs
    return nn.Sequential(*layers, unit(inputs, last, 1, act=nn.ReLU6), *head(last))


def mobilenetv2() -> nn.Module:
    """Sandler et al. 2018; fewer blocks."""
    return mobile(((1, 8, 1, 1, 3), (6, 12, 2, 2, 3), (6, 16, 3, 2, 3), (6, 24, 1, 1, 3)), 96)


def efficientnet_lite() -> nn.Module:
    """Tan & Le 2019 without squeeze-and-excitation, as Lite0; fewer blocks."""
    return mobile(((1, 12, 1, 1, 3), (6, 12, 2, 2, 5), (6, 16, 2, 2, 3), (6, 24, 2, 1, 5)), 96)


class Split(nn.Module):
    """YOLO's block: half of the channels go through residual pairs, and all parts are joined."""

    def __init__(self, inputs: int, outputs: int, depth: int) -> None:
        super().__init__()
        half = outputs // 2
        self.first = unit(inputs, outputs, 1, act=nn.SiLU)
        self.pairs = nn.ModuleList(
            Sum(nn.Sequential(unit(half, half, act=nn.SiLU), unit(half, half, act=nn.SiLU)))
            for _ in range(depth)
        )
        self.last = unit((2 + depth) * half, outputs, 1, act=nn.SiLU)

    def forward(self, x: Tensor) -> Tensor:
        parts = list(self.first(x).chunk(2, 1))
        for pair in self.pairs:
            parts.append(pair(parts[-1]))
        return self.last(torch.cat(parts, 1))


class Yolo(nn.Module):
    """A small detector: pooled pyramid, resized and joined maps, three outputs from one shared head each."""

    def __init__(self, width: int = 12, outputs: int = 9) -> None:
        super().__init__()
        w = width
        self.stem = unit(3, w, 3, 2, act=nn.SiLU)
        self.down = nn.ModuleList(unit(w << i, 2 * w << i, 3, 2, act=nn.SiLU) for i in range(3))
        self.blocks = nn.ModuleList(Split(2 * w << i, 2 * w << i, 1) for i in range(3))
        self.pool = nn.MaxPool2d(5, 1, 2)
        self.pooled = unit(32 * w, 8 * w, 1, act=nn.SiLU)
        self.up = nn.ModuleList([Split(12 * w, 4 * w, 1), Split(6 * w, 2 * w, 1)])
        self.back = unit(2 * w, 2 * w, 3, 2, act=nn.SiLU)
        self.joined = Split(6 * w, 4 * w, 1)
        self.align = nn.ModuleList(nn.Conv2d(c * w, 16, 1) for c in (2, 4, 8))
        self.shared = nn.Conv2d(16, 16, 3, padding=1)
        self.heads = nn.ModuleList(nn.Conv2d(16, outputs, 3, padding=1) for _ in range(3))

    def forward(self, x: Tensor) -> dict[str, object]:
        x, maps = self.stem(x), []
        for down, block in zip(self.down, self.blocks, strict=True):
            x = block(down(x))
            maps.append(x)
        pools = [x]
        for _ in range(3):
            pools.append(self.pool(pools[-1]))
        top = self.pooled(torch.cat(pools, 1))
        middle = self.up[0](torch.cat([F.interpolate(top, scale_factor=2.0), maps[1]], 1))
        low = self.up[1](torch.cat([F.interpolate(middle, size=maps[0].shape[2:]), maps[0]], 1))
        middle = self.joined(torch.cat([self.back(low), middle], 1))
        aligned = [F.silu(conv(m)) for conv, m in zip(self.align, (low, middle, top), strict=True)]
        answers = [h(F.silu(self.shared(m))) for h, m in zip(self.heads, aligned, strict=True)]
        return {"boxes": [a[:, :4] for a in answers], "classes": tuple(a[:, 4:].sigmoid() for a in answers)}


def resnet18_imagenet() -> nn.Module:
    """For (3, 224, 224), at full width."""
    return settled(resnet((2, 2, 2, 2), 64, classes=1000), (3, 224, 224), images=16)


def resnet50_imagenet() -> nn.Module:
    """For (3, 224, 224), at full width."""
    return settled(resnet((3, 4, 6, 3), 64, bottleneck=True, classes=1000), (3, 224, 224), images=16)
