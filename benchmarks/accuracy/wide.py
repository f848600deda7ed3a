"""The wide networks of the accuracy table, for 32x32 images: input (N, 3, 32, 32), normalised; 10 logits."""

from __future__ import annotations

from torch import nn

from patternlite.demo.slim_resnet18 import SlimResNet18


class ResNet18(SlimResNet18):
    """At the widths of He et al. 2016. 11.2 M parameters, 556 M multiply-accumulates."""

    widths = (64, 128, 256, 512)


def resnet18() -> ResNet18:
    """Untrained."""
    return ResNet18()


def vgg16() -> nn.Sequential:
    """Simonyan and Zisserman 2015, with norms and one linear layer. 14.7 M parameters, 313 M MACs."""
    layers: list[nn.Module] = []
    inputs = 3
    for width, depth in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(depth):
            layers += [nn.Conv2d(inputs, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            inputs = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(inputs, 10))
