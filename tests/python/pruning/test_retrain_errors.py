"""What cannot be retrained is told, with what to do about it, before anything is finished."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from patternlite.pruning import Masks
from patternlite.pruning.retrain import RetrainConfig, retrain

UNIT = {"mean": (0.5,) * 3, "std": (0.25,) * 3}


class Net(nn.Module):
    """Returns what `make` makes of its answers, in training."""

    def __init__(self, make=lambda answers: answers, norm: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        pool = nn.AdaptiveAvgPool2d(1), nn.Flatten()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3), *pool, nn.BatchNorm1d(4) if norm else nn.Identity())
        self.make = make

    def forward(self, x: Tensor):
        answers = self.body(x)
        return self.make(answers) if self.training else answers


def train(model: nn.Module, count: int = 8, dense: nn.Module | None = None, batch: int = 8) -> None:
    pixels, labels = torch.full((count, 3, 8, 8), 99, dtype=torch.uint8), torch.arange(count) % 4
    config = RetrainConfig(epochs=1, batch=batch, **UNIT)
    retrain(model, Masks({}), pixels, labels, config, lambda *_: None, dense=dense)


@pytest.mark.parametrize("taught", [False, True])
@pytest.mark.parametrize("make", [lambda y: (y, y), lambda y: {"out": y, "aux": y}])
def test_a_model_that_returns_more_in_training(make, taught):
    model = Net(make)
    with pytest.raises(ValueError, match="in training the model returns 2 tensors, not its answers alone"):
        train(model, dense=copy.deepcopy(model) if taught else None)


def test_a_frozen_model():
    model = Net().requires_grad_(False)
    with pytest.raises(ValueError, match=r"parameters are frozen: call model\.requires_grad_\(True\)"):
        train(model)
    model.body[0].bias.requires_grad_(True)
    train(model)


@pytest.mark.parametrize(("count", "batch"), [(8, 1), (1, 8)])
def test_a_norm_and_a_single_image(count, batch):
    with pytest.raises(ValueError, match=r"batch of one image \(Expected more .*\): give a larger batch"):
        train(Net(norm=True), count, batch=batch)
    train(Net(), count, batch=batch)
