"""Training from nothing, on images that a tiny network tells apart at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.accuracy.training import Course, Phase, train, uphill
from patternlite.images.labelled import LabelledImages

pytestmark = pytest.mark.usefixtures("one_thread")

COURSE = Course(
    (Phase(epochs=2, peak=0.1, cut=2), Phase(epochs=1, peak=0.05, cut=0, radius=0.05)),
    (0.5,) * 3,
    (0.25,) * 3,
)


@pytest.fixture(scope="module")
def images() -> LabelledImages:
    """512 of 8x8 pixels, bright or dark."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 512)
    pixels = random.integers(0, 128, (512, 3, 8, 8)) + 127 * labels[:, None, None, None]
    return LabelledImages(pixels.astype(np.uint8), labels, ("dark", "bright"))


def network() -> nn.Sequential:
    torch.manual_seed(0)
    pooled = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2)]
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), *pooled)


def right(model: nn.Module, images: LabelledImages) -> float:
    answers = model(torch.from_numpy(images.normalised(COURSE.mean, COURSE.std)))
    return float((answers.argmax(1).numpy() == images.labels).mean())


def test_it_learns_and_tells_how_far_it_is(images: LabelledImages, tmp_path: Path) -> None:
    model, told = network(), []
    train(model, images, COURSE, tmp_path / "state", lambda what, done: told.append((what, done)))
    assert not model.training
    assert right(model, images) > 0.95
    assert told[0][0].startswith("epoch 1 of 3, loss ")
    assert told[-1][1] == pytest.approx(1.0)


def test_a_run_that_is_stopped_goes_on_to_the_same_bits(images: LabelledImages, tmp_path: Path) -> None:
    def stop(what: str, _done: float) -> None:
        if what.startswith("epoch 3"):
            raise KeyboardInterrupt

    whole, stopped, again = network(), network(), network()
    train(whole, images, COURSE, tmp_path / "whole", lambda *_: None)
    with pytest.raises(KeyboardInterrupt):
        train(stopped, images, COURSE, tmp_path / "state", stop)
    told: list[str] = []
    train(again, images, COURSE, tmp_path / "state", lambda what, _: told.append(what))
    assert all(what.startswith("epoch 3") for what in told)
    state = again.state_dict()
    assert all(torch.equal(value, state[key]) for key, value in whole.state_dict().items())


def test_another_trainings_checkpoint_is_refused(images: LabelledImages, tmp_path: Path) -> None:
    train(network(), images, COURSE, tmp_path / "state", lambda *_: None)
    with pytest.raises(ValueError, match="state is of another training: remove it"):
        train(network(), images, replace(COURSE, seed=1), tmp_path / "state", lambda *_: None)


def test_uphill_the_loss_is_higher_and_afterwards_all_is_as_before(images: LabelledImages) -> None:
    model = network().train()
    x = torch.from_numpy(images.normalised(COURSE.mean, COURSE.std))
    y = torch.from_numpy(images.labels)
    before = {key: value.clone() for key, value in model.named_parameters()}
    norm = model[1]

    def loss() -> torch.Tensor:
        return nn.functional.cross_entropy(model(x), y)

    level = loss().item()
    means = norm.running_mean.clone()
    with uphill(model, loss, 0.05):
        assert torch.equal(norm.running_mean, means) and norm.momentum == 0.1
        length = torch.stack([(v - before[k]).norm() for k, v in model.named_parameters()]).norm()
        assert length.item() == pytest.approx(0.05, rel=1e-4)
        assert loss().item() > level
    assert all(torch.equal(value, before[key]) for key, value in model.named_parameters())
