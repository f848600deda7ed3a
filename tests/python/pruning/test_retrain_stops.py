"""Retraining that is stopped, and goes on from its checkpoint."""

from __future__ import annotations

import copy
from dataclasses import replace

import nets
import pytest
import torch
from retraining import CONFIG, NORMAL, same_bits

from patternlite.pruning import Masks
from patternlite.pruning.normalisation import Normalisation
from patternlite.pruning.retrain import accuracy, retrain


def stop(what: str, _done: float) -> None:
    """A progress that stops the run in its second epoch."""
    if what.startswith("epoch 2"):
        raise KeyboardInterrupt


def test_a_run_that_is_stopped_goes_on_to_the_same_bits(damaged, images, tmp_path):
    model, masks = damaged
    whole, stopped, again = (copy.deepcopy(model) for _ in range(3))
    retrain(whole, masks, *images, CONFIG, lambda *_: None)
    with pytest.raises(KeyboardInterrupt):
        retrain(stopped, masks, *images, CONFIG, stop, tmp_path)
    told: list[str] = []
    retrain(again, masks, *images, CONFIG, lambda what, _: told.append(what), tmp_path)
    assert not [what for what in told if what.startswith("epoch 1")]
    assert same_bits(whole, again)


def test_a_run_that_is_stopped_leaves_the_model_to_begin_again_with(damaged, images, tmp_path):
    model, masks = damaged
    whole, before = (copy.deepcopy(model) for _ in range(2))
    retrain(whole, masks, *images, CONFIG, lambda *_: None)
    with pytest.raises(KeyboardInterrupt):
        retrain(model, masks, *images, CONFIG, stop, tmp_path)
    assert same_bits(model, before)
    assert all(parameter.grad is None for parameter in model.parameters())
    retrain(model, masks, *images, CONFIG, lambda *_: None, tmp_path)
    assert same_bits(model, whole)


def test_the_checkpoint_of_another_run_is_refused(damaged, trained_model, images, tmp_path):
    (model, masks), (x, labels), config = damaged, images, replace(CONFIG, epochs=1)
    retrain(copy.deepcopy(model), masks, x, labels, config, lambda *_: None, tmp_path)
    for *data, options, dense in (
        (x.flip(0), labels, config, None),
        (x, labels.flip(0), config, None),
        (x, labels, replace(config, learning_rate=0.01), None),
        (x, labels, config, trained_model),
    ):
        with pytest.raises(ValueError, match="another model, of other weights or of other options"):
            retrain(model, masks, *data, options, lambda *_: None, tmp_path, dense)
    more = Masks({name: torch.ones_like(mask) for name, mask in masks.items()})
    with pytest.raises(ValueError, match="another model, of other weights or of other options"):
        retrain(model, more, x, labels, config, lambda *_: None, tmp_path)
    next(model.parameters()).requires_grad_(False)
    with pytest.raises(ValueError, match="another model, of other weights or of other options"):
        retrain(model, masks, x, labels, config, lambda *_: None, tmp_path)


def test_images_are_hashed_for_a_checkpoint_alone(damaged, images, tmp_path, monkeypatch):
    hashed, config = [], replace(CONFIG, epochs=1)
    monkeypatch.setattr("patternlite.pruning.retrain.fingerprint", lambda *_: hashed.append(1) or "me")
    retrain(*damaged, *images, config, lambda *_: None)
    assert not hashed
    retrain(*damaged, *images, config, lambda *_: None, tmp_path)
    assert hashed


class Noting(nets.Tiny):
    """Registers a buffer in training, and has one as long as the last batch."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("means", torch.zeros(3))

    def forward(self, x):
        if self.training:
            self.register_buffer("grid", torch.ones(4), persistent=False)
            self.means = x.mean((1, 2, 3))
        return super().forward(x)


def test_buffers_that_training_makes_or_resizes_hide_no_interrupt(images):
    torch.manual_seed(0)
    model = Noting()
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(KeyboardInterrupt):
        retrain(model, Masks({}), *(tensor[:64] for tensor in images), CONFIG, stop)
    after = model.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items() if name != "means")


class Dropping(nets.Tiny):
    """Keeps what it made in its first call, too, as grids of coordinates are."""

    seen: torch.Tensor | None = None

    def forward(self, x):
        if self.seen is None:
            self.seen = torch.ones(4)
        answers = super().forward(x) * self.seen  # whose gradient needs it again
        return torch.nn.functional.dropout(answers, 0.5, self.training)


@pytest.fixture
def dropping(damaged):
    torch.manual_seed(0)
    model = Dropping()
    model.load_state_dict(damaged[0].state_dict())
    return model, damaged[1]


def test_dropout_draws_the_same_again_after_a_stop_and_elsewhere(dropping, images, tmp_path):
    model, masks = dropping
    whole, stopped, again = (copy.deepcopy(model) for _ in range(3))
    retrain(whole, masks, *images, CONFIG, lambda *_: None)
    with pytest.raises(KeyboardInterrupt):
        retrain(stopped, masks, *images, CONFIG, stop, tmp_path)
    torch.manual_seed(7)
    state = torch.get_rng_state()
    retrain(again, masks, *images, CONFIG, lambda *_: None, tmp_path)
    assert torch.equal(torch.get_rng_state(), state)
    assert same_bits(whole, again)


def test_what_a_model_keeps_from_being_tested_can_be_trained_with(dropping, images):
    model, masks = dropping
    accuracy(model, *images, Normalisation(**NORMAL))
    retrain(model, masks, *images, replace(CONFIG, epochs=1), lambda *_: None)
