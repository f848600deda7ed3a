"""Retraining: accuracy comes back and zeros stay, with the augmentation and schedule that are promised."""

from __future__ import annotations

import copy
from dataclasses import replace

import nets
import pytest
import torch
from retraining import CONFIG, NORMAL, same_bits

from patternlite.pruning import Masks
from patternlite.pruning.config import RetrainConfig
from patternlite.pruning.imitation import divergence, imitate
from patternlite.pruning.normalisation import Normalisation
from patternlite.pruning.retrain import _augmented, _loss, accuracy, one_cycle, retrain


def test_retraining_brings_accuracy_back_and_keeps_zeros(damaged, images):
    model, masks = damaged
    normalise = Normalisation(**NORMAL)
    before, told = accuracy(model, *images, normalise), []
    retrain(model, masks, *images, CONFIG, lambda what, done: told.append((what, done)))
    masks.verify(model)
    assert not model.training
    assert accuracy(model, *images, normalise) > before + 0.1
    assert told[-1][0].startswith("epoch 2 of 2, loss ")
    assert told[-1][1] == pytest.approx(1.0)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_default_device_is_nothing_to_it(damaged, images):
    model, masks = damaged
    other, images = copy.deepcopy(model), [tensor[:64] for tensor in images]
    retrain(model, masks, *images, CONFIG, lambda *_: None)
    torch.set_default_device("meta")
    try:
        retrain(other, masks, *images, CONFIG, lambda *_: None)
    finally:
        torch.set_default_device(None)
    assert same_bits(model, other)


def test_nobody_need_be_told_of_progress(damaged, images):
    model, masks = damaged
    retrain(model, masks, *(tensor[:64] for tensor in images), CONFIG)
    masks.verify(model)


def test_no_device_but_the_models_is_seeded(damaged, images, monkeypatch):
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda _seed: 1 / 0)  # torch.manual_seed calls it
    model, masks = damaged
    retrain(model, masks, *(tensor[:64] for tensor in images), CONFIG, lambda *_: None)


def test_the_dense_models_answers_are_learnt_too(damaged, trained_model, images):
    alone, masks = damaged
    taught, dense = copy.deepcopy(alone), copy.deepcopy(trained_model).train()
    normalise = Normalisation(**NORMAL)
    longer = replace(CONFIG, epochs=8)
    retrain(alone, masks, *images, longer, lambda *_: None)
    retrain(taught, masks, *images, longer, lambda *_: None, dense=dense)
    masks.verify(taught)
    with torch.inference_mode():
        x = normalise(images[0].float() / 255)
        apart = [float(divergence(model(x), trained_model(x))) for model in (alone, taught)]
    assert apart[1] < 0.8 * apart[0], apart
    assert same_bits(dense, trained_model)  # the norms' statistics, too


def test_accuracy_is_taken_in_eval_mode(trained_model, images):
    model, normalise = copy.deepcopy(trained_model).train(), Normalisation(**NORMAL)
    assert accuracy(model, *images, normalise) == accuracy(trained_model, *images, normalise)


def test_the_rate_rises_and_falls_once():
    rates = [one_cycle(0.1, step / 20) for step in range(21)]
    assert rates[0] == 0
    assert rates[4] == max(rates) == pytest.approx(0.1)
    assert rates[-1] == pytest.approx(0)
    assert rates[:5] == sorted(rates[:5])
    assert rates[4:] == sorted(rates[4:], reverse=True)


@pytest.mark.parametrize(
    "changed", [{"seed": 1}, {"learning_rate": 0.01}, {"weight_decay": 0.1}, {"batch": 32}, {"epochs": 1}]
)
def test_every_option_makes_a_difference(changed, damaged, images):
    model, masks = damaged
    other, images = copy.deepcopy(model), [tensor[:64] for tensor in images]
    retrain(model, masks, *images, CONFIG, lambda *_: None)
    retrain(other, masks, *images, replace(CONFIG, **changed), lambda *_: None)
    assert not same_bits(model, other)


def test_each_epoch_has_an_order_of_its_own(damaged, images, monkeypatch):
    seen = []

    def augmented(pixels, _flip, _random):
        seen.append(pixels)
        return pixels

    monkeypatch.setattr("patternlite.pruning.retrain._augmented", augmented)
    retrain(*damaged, *images, CONFIG, lambda *_: None)
    one, other = (torch.cat(epoch) for epoch in (seen[:4], seen[4:]))
    assert not torch.equal(one, other)
    assert torch.equal(
        one.flatten(1).long().sum(1).sort().values, other.flatten(1).long().sum(1).sort().values
    )


def test_layers_take_turns_and_all_have_theirs(damaged, trained_model, images, monkeypatch):
    looked_at = []

    def noted(model, dense, layers, x):
        looked_at.append(list(layers))
        return imitate(model, dense, layers, x)

    monkeypatch.setattr("patternlite.pruning.retrain.imitate", noted)
    model, masks = damaged
    retrain(model, masks, *images, replace(CONFIG, epochs=1), lambda *_: None, dense=trained_model)
    assert sorted(name for some in looked_at[:3] for name in some) == sorted(masks)
    assert looked_at[3] == looked_at[0]


def test_what_the_dense_models_layers_read_is_learnt(damaged, trained_model, images):
    """By its relative error, the mean over the layers."""
    model, masks = damaged
    x, labels = Normalisation(**NORMAL)(images[0][:64].float() / 255), images[1][:64]
    layers = list(masks)
    seen = imitate(model, trained_model, layers, x)
    errors = [float((value.detach() - target).norm() / target.norm()) ** 2 for value, target in seen.maps]
    with_maps, without = (_loss(model, trained_model, some, x, labels, low=False) for some in (layers, []))
    assert float(with_maps - without) == pytest.approx(sum(errors) / len(errors), rel=1e-4)
    assert min(errors[1:]) > 1e-3


@pytest.mark.parametrize("flip", [True, False])
def test_images_are_shifted_and_flipped_and_nothing_else(flip):
    pixels = torch.randint(256, (64, 2, 16, 24), dtype=torch.uint8)
    moved = _augmented(pixels, flip, torch.Generator().manual_seed(0))
    padded = torch.nn.functional.pad(pixels.float(), (3, 3, 2, 2), mode="reflect")
    seen = []
    for image, result in zip(padded, moved, strict=True):
        views = {
            (top, left, flipped): window.flip(2) if flipped else window
            for top in range(5)
            for left in range(7)
            for window in [image[:, top : top + 16, left : left + 24]]
            for flipped in (False, True)
        }
        (found,) = [how for how, view in views.items() if torch.equal(result, view)]
        seen.append(found)
    tops, lefts, flips = map(set, zip(*seen, strict=True))
    assert (tops, lefts, flips) == (set(range(5)), set(range(7)), {False, flip})


def test_images_are_mirrored_if_the_config_says_so(damaged, images, monkeypatch):
    given = []

    def augmented(pixels, flip, _random):
        given.append(flip)
        return pixels

    monkeypatch.setattr("patternlite.pruning.retrain._augmented", augmented)
    for config in (CONFIG, replace(CONFIG, flip=False)):
        retrain(*damaged, *images, replace(config, epochs=1, batch=256), lambda *_: None)
    assert given == [True, False]


def test_a_diverging_run_says_what_to_do_which_can_be_done(damaged, images, tmp_path):
    model, masks = damaged
    before = copy.deepcopy(model)
    config = RetrainConfig(epochs=5, learning_rate=1e20, batch=256, **NORMAL)
    with pytest.raises(ValueError, match=r"in epoch [2-5]: give a lower learning_rate"):
        retrain(model, masks, *images, config, lambda *_: None, tmp_path / "c")
    assert not model.training
    assert not (tmp_path / "c").exists()
    retrain(
        before, masks, *images, replace(config, epochs=1, learning_rate=0.01), lambda *_: None, tmp_path / "c"
    )


class Viewed(nets.Tiny):
    """Runs on no images whose channels lie last."""

    def __init__(self) -> None:
        super().__init__()
        self.head = torch.nn.Linear(32 * 4 * 4, 4)

    def forward(self, x):
        x = self.blocks(torch.relu(self.norm(self.stem(x))))
        return self.head(x.view(x.size(0), -1))


@pytest.mark.parametrize("taught", [False, True])
def test_a_model_that_views_its_maps_is_trained(images, taught):
    torch.manual_seed(0)
    model = Viewed()
    masks = Masks({"blocks.1.conv2": torch.rand(32, 32, 3, 3) < 0.5})
    dense = copy.deepcopy(model) if taught else None
    retrain(model, masks, *images, replace(CONFIG, epochs=1), lambda *_: None, dense=dense)
    masks.verify(model)


def test_no_batch_is_a_single_image(images):
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.BatchNorm2d(4), torch.nn.Flatten()
    )
    masks, (x, labels), told = Masks({}), images, []
    retrain(model, masks, x[:129], labels[:129], CONFIG, lambda _, done: told.append(done))
    assert len(told) == 4  # two batches in each of two epochs
    assert told[-1] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"epochs": 0}, "epochs is 0: it must be above 0"),
        ({"epochs": 1.5}, r"epochs is 1\.5: it must be a whole number"),
        ({"batch": None}, "batch is None: it must be a whole number"),
        ({"learning_rate": "fast"}, "learning_rate is 'fast': it must be a number"),
        ({"weight_decay": float("nan")}, "weight_decay is nan: it must be 0 or above"),
        ({"weight_decay": -1.0}, r"weight_decay is -1\.0: it must be 0 or above"),
        ({"mean": 0.5}, r"mean is 0\.5: give a number for each channel"),
        ({"std": (0.0,) * 3}, "std must be positive"),
    ],
)
def test_a_bad_config_says_what_it_must_be(changed, message):
    with pytest.raises(ValueError, match=message):
        RetrainConfig(**NORMAL | changed)
