"""What cannot be retrained is told, with what to do about it, before anything is finished."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from patternlite.pruning import Masks
from patternlite.pruning.config import RetrainConfig
from patternlite.pruning.retrain import retrain

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
def test_a_batch_of_one_image_is_refused_where_a_norm_needs_more(count, batch):
    with pytest.raises(ValueError, match=r"batch of one image \(Expected more .*\): give a larger batch"):
        train(Net(norm=True), count, batch=batch)
    train(Net(), count, batch=batch)


PIXELS, LABELS = torch.full((8, 3, 8, 8), 99, dtype=torch.uint8), torch.arange(8) % 4


@pytest.mark.parametrize(
    ("pixels", "labels", "message"),
    [
        (PIXELS[:0], LABELS[:0], r"pixels are torch\.uint8 \(0, 3, 8, 8\): give images as uint8"),
        (
            PIXELS / 255,
            LABELS,
            r"pixels are torch\.float32 .*: give images as uint8 .*, 0\.\.255",
        ),
        (PIXELS.numpy(), LABELS, r"^pixels and labels are tensors: torch\.from_numpy"),
        (PIXELS, LABELS.numpy(), r"^pixels and labels are tensors: torch\.from_numpy"),
        (PIXELS[0], LABELS[0], r"pixels are torch\.uint8 \(3, 8, 8\)"),
        (PIXELS[:, :1], LABELS, "images have 1 channels, mean and std 3"),
        (PIXELS, LABELS[:7], r"labels are torch\.int64 \(7,\): give an int64 for each of 8 images"),
        (PIXELS, LABELS.float(), r"labels are torch\.float32 \(8,\): give an int64"),
        (PIXELS, LABELS + 1, "labels are 1 to 4, the model answers with 4 values: number its classes from 0"),
        (PIXELS, LABELS - 1, "labels are -1 to 2, the model answers"),
    ],
)
def test_images_and_labels_that_are_not_of_its_form(pixels, labels, message):
    model = Net()
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(ValueError, match=message):
        retrain(model, Masks({}), pixels, labels, RetrainConfig(epochs=1, **UNIT), lambda *_: None)
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def test_a_model_does_not_teach_itself():
    model = Net()
    with pytest.raises(ValueError, match="dense is the model itself, which cannot teach itself"):
        train(model, dense=model)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64])
def test_a_model_of_another_precision(dtype):
    other, right = Net().to(dtype), Net()
    for model, dense in ((other, None), (right, other)):
        with pytest.raises(ValueError, match=rf"^body\.0 holds {dtype} weights: give the model as float32"):
            train(model, dense=dense)
