"""Synthetic images: their shapes, reproducibility and statistics."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from patternlite.pruning.model.graph import trace
from patternlite.pruning.model.norm_statistics import bn_gap
from patternlite.pruning.model.outputs import trial
from patternlite.pruning.model.precision import Form
from patternlite.pruning.normalisation import Normalisation
from patternlite.pruning.sources import SOURCES, draw
from patternlite.pruning.sources.refinement import _mismatch, refine
from patternlite.pruning.support.distributed import Group
from patternlite.pruning.support.seeds import generator

PLAIN = Form(torch.contiguous_format, low=True)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("shape", [(3, 16, 16), (1, 9, 20), (4, 1, 1), (5, 2, 3)])
def test_every_source_draws_pixels_of_any_shape(source, shape):
    images = draw(source, 70, shape, seed=0, purpose="test")
    assert images.shape == (70, *shape)
    assert images.dtype == torch.float32
    assert float(images.min()) >= 0
    assert float(images.max()) <= 1
    assert torch.equal(images, (images * 255).round() / 255)
    assert torch.equal(images, draw(source, 70, shape, seed=0, purpose="test"))
    assert not torch.equal(images, draw(source, 70, shape, seed=1, purpose="test"))
    assert not torch.equal(images, draw(source, 70, shape, seed=0, purpose="another"))
    assert not torch.equal(images[:6], images[64:])  # one chunk is not the next


@pytest.mark.parametrize(("size", "count"), [(256, 64), (257, 63), (1024, 3), (4096, 3)])
def test_large_images_are_drawn_few_at_a_time(monkeypatch, size, count):
    drawn = []

    def source(some, shape, _generator):
        drawn.append(some)
        return torch.zeros(some, 1, 1, 1).expand(some, *shape[:1], 1, 1)

    monkeypatch.setitem(SOURCES, "mix", source)
    draw("mix", 2 * count + 1, (3, size, size), seed=0, purpose="test")
    assert drawn == [count, count, 1]


@pytest.mark.parametrize("source", SOURCES)
def test_images_are_the_same_whatever_the_default_type(source):
    images = draw(source, 6, (3, 8, 8), seed=0, purpose="test")
    torch.set_default_dtype(torch.float64)
    try:
        assert torch.equal(draw(source, 6, (3, 8, 8), seed=0, purpose="test"), images)
        model = nn.Sequential(nn.Conv2d(3, 4, 3, dtype=torch.float32)).eval()
        assert trial(model, (3, 8, 8))[0].dtype == torch.float32
        assert trace(model, (3, 8, 8)).macs
    finally:
        torch.set_default_dtype(torch.float32)


def correlation_of_neighbours(images: torch.Tensor) -> float:
    centred = images - images.mean((2, 3), keepdim=True)
    return float((centred[..., 1:] * centred[..., :-1]).mean() / centred.square().mean())


@pytest.mark.parametrize(("source", "natural"), [("uniform", False), ("gaussian", False), ("pink", True),
                                                 ("leaves", True), ("mix", True)])  # fmt: skip
def test_natural_sources_have_the_spectrum_of_images(source, natural):
    correlation = correlation_of_neighbours(draw(source, 64, (3, 32, 32), seed=3, purpose="test"))
    assert correlation > 0.6 if natural else abs(correlation) < 0.05


def test_the_noises_have_their_moments():
    for source, mean, deviation in (("uniform", 0.5, 12**-0.5), ("gaussian", 0.5, 0.24)):
        images = draw(source, 64, (3, 32, 32), seed=0, purpose="test")
        assert float(images.mean()) == pytest.approx(mean, abs=0.01)
        assert float(images.std()) == pytest.approx(deviation, abs=0.01)


def test_leaves_have_edges_and_flats():
    """Most neighbours are nearly equal and a few differ much: pink noise has no such tails."""
    kurtosis = {}
    for source in ("leaves", "pink"):
        steps = draw(source, 64, (1, 32, 32), seed=0, purpose="test").diff(dim=3)
        kurtosis[source] = float(steps.pow(4).mean() / steps.square().mean().square())
    assert kurtosis["leaves"] > 2 * kurtosis["pink"]


def test_the_mix_is_shuffled_and_for_two_thirds_leaves():
    shape = (3, 8, 8)
    leaves = SOURCES["leaves"](20, shape, generator(0, "mix"))
    mixed = SOURCES["mix"](30, shape, generator(0, "mix"))
    is_leaves = [any(torch.equal(image, leaf) for leaf in leaves) for image in mixed]
    assert sum(is_leaves) == 20
    assert is_leaves not in (sorted(is_leaves), sorted(is_leaves, reverse=True))


def test_a_single_image_can_be_drawn():
    assert draw("mix", 1, (3, 8, 8), seed=0, purpose="test").shape == (1, 3, 8, 8)


def test_normalisation_is_torchvisions():
    normalise = Normalisation((0.5, 0.25), (0.5, 0.125))
    pixels = torch.rand(3, 2, 4, 4)
    wanted = torch.stack([(pixels[:, 0] - 0.5) / 0.5, (pixels[:, 1] - 0.25) / 0.125], 1)
    torch.testing.assert_close(normalise(pixels), wanted)
    low, high = normalise.limits(pixels)
    torch.testing.assert_close(low.flatten(), torch.tensor([-1.0, -2.0]))
    torch.testing.assert_close(high.flatten(), torch.tensor([1.0, 6.0]))


class Scaled(nn.Module):
    """Takes pixels of another normalisation, and the same model then."""

    def __init__(self, model: nn.Module, mean: float, std: float) -> None:
        super().__init__()
        self.body, self.mean, self.std = model, mean, std

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body((x * self.std + self.mean - 0.5) / 0.25)


@pytest.mark.parametrize(("mean", "std"), [(0.5, 0.25), (0.0, 1.0), (0.0, 1 / 255)])
def test_refined_images_are_nearer_to_what_norms_remember(trained_model, mean, std):
    model, normalise = Scaled(trained_model, mean, std), Normalisation((mean,) * 3, (std,) * 3)
    images = normalise(draw("mix", 64, (3, 16, 16), seed=0, purpose="test"))
    norms = trace(model, (3, 16, 16)).norms
    refined = refine(model, norms, images, normalise, 15, PLAIN, generator(0), lambda _: None)
    before, after = (bn_gap(model, norms, [x], Group()) for x in (images, refined))
    assert after.mean < 0.5 * before.mean
    assert after.deviation < 0.8 * before.deviation
    low, high = normalise.limits(images)
    assert bool(((low <= refined) & (refined <= high)).all())


def refined(model: nn.Module, images: torch.Tensor) -> torch.Tensor:
    norms, normalise = trace(model, tuple(images.shape[1:])).norms, Normalisation((0.5,) * 3, (0.25,) * 3)
    return refine(model, norms, images, normalise, 3, PLAIN, generator(0), lambda _: None)


def test_images_aim_at_means_and_deviations_alike():
    norm = nn.BatchNorm2d(2, eps=0.5)
    norm.running_mean[:], norm.running_var[:] = torch.tensor([1.0, -1.0]), torch.tensor([3.5, 8.5])
    given = _mismatch(norm, torch.tensor([3.0, -1.0]), torch.tensor([3.5, 0.5]))
    assert float(given) == pytest.approx(((2 / 2) ** 2 + (1 / 3 - 1) ** 2) / 2)


def test_images_that_a_model_gives_no_gradients_of_stay_as_they_are(trained_model, monkeypatch):
    images = torch.randn(8, 3, 16, 16)
    assert not torch.equal(refined(trained_model, images), images)
    monkeypatch.setattr(trained_model, "forward", torch.no_grad()(trained_model.forward))
    assert torch.equal(refined(trained_model, images), images)


def test_channels_that_never_change_leave_images_finite():
    conv, norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, eps=0.0)
    conv.weight.data[0] = 0.0
    images = refined(nn.Sequential(conv, norm).eval(), torch.randn(8, 3, 6, 6))
    assert torch.isfinite(images).all()


def test_purposes_have_their_own_numbers():
    draws = [torch.rand(4, generator=generator(*key)) for key in ((0, "a"), (0, "b"), (1, "a"), (0, "a", 1))]
    assert len({tuple(draw.tolist()) for draw in draws}) == 4
    assert torch.equal(draws[0], torch.rand(4, generator=generator(0, "a")))
