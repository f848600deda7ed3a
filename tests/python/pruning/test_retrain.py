from __future__ import annotations

import copy
from dataclasses import replace

import nets
import pytest
import torch

from patternlite.pruning import Masks
from patternlite.pruning.imitation import divergence
from patternlite.pruning.retrain import RetrainConfig, accuracy, retrain
from patternlite.pruning.sources.refinement import Normalisation

NORMAL = {"mean": (0.5,) * 3, "std": (0.25,) * 3}
CONFIG = RetrainConfig(epochs=2, rate=0.02, batch=64, **NORMAL)


@pytest.fixture(scope="module")
def images():
    x, labels = nets.textures(256, 4)
    return ((x * 0.25 + 0.5) * 255).round().to(torch.uint8), labels


@pytest.fixture
def damaged(trained_model):
    """Half of the weights of every 3x3 convolution gone, at random, and their masks."""
    random = torch.Generator().manual_seed(0)
    model = copy.deepcopy(trained_model)
    weights = {name: m.weight for name, m in model.named_modules() if name.endswith(("conv1", "conv2"))}
    masks = Masks({name: torch.rand(w.shape, generator=random) < 0.5 for name, w in weights.items()})
    masks.apply(model)
    return model, masks


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


def test_a_run_that_is_stopped_goes_on_to_the_same_bits(damaged, images, tmp_path):
    model, masks = damaged
    whole, stopped, again = (copy.deepcopy(model) for _ in range(3))
    retrain(whole, masks, *images, CONFIG, lambda *_: None)

    def stop(what: str, _done: float) -> None:
        if what.startswith("epoch 2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        retrain(stopped, masks, *images, CONFIG, stop, tmp_path)
    told: list[str] = []
    retrain(again, masks, *images, CONFIG, lambda what, _: told.append(what), tmp_path)
    assert not [what for what in told if what.startswith("epoch 1")]
    state = again.state_dict()
    assert all(torch.equal(value, state[key]) for key, value in whole.state_dict().items())


def test_the_dense_models_answers_are_learnt_too(damaged, trained_model, images):
    alone, masks = damaged
    taught = copy.deepcopy(alone)
    dense = {key: value.clone() for key, value in trained_model.state_dict().items()}
    normalise = Normalisation(**NORMAL)
    longer = replace(CONFIG, epochs=8)
    retrain(alone, masks, *images, longer, lambda *_: None)
    retrain(taught, masks, *images, longer, lambda *_: None, dense=trained_model)
    masks.verify(taught)
    with torch.inference_mode():
        x = normalise(images[0].float() / 255)
        apart = [float(divergence(model(x), trained_model(x))) for model in (alone, taught)]
    assert apart[1] < 0.8 * apart[0], apart
    assert all(torch.equal(value, dense[key]) for key, value in trained_model.state_dict().items())


def test_a_diverging_run_says_what_to_do(damaged, images):
    model, masks = damaged
    config = RetrainConfig(epochs=5, rate=1e20, batch=64, **NORMAL)
    with pytest.raises(ValueError, match="give a lower rate"):
        retrain(model, masks, *images, config, lambda *_: None)


def test_a_bad_config_says_what_it_must_be():
    with pytest.raises(ValueError, match=r"epochs is 0: it must be above 0"):
        RetrainConfig(epochs=0, **NORMAL)
