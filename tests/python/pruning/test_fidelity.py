"""The gap between dense and pruned model, and the certificate that states it."""

from __future__ import annotations

import copy
import json
import math
from dataclasses import replace

import nets
import pytest
import torch
from torch import nn

from patternlite.pruning import Fidelity, certify
from patternlite.pruning.certificate import model_digest
from patternlite.pruning.fidelity import measure


class Answers(nn.Module):
    """Gives back its images, as some kind of output."""

    def __init__(self, make) -> None:
        super().__init__()
        self.make = make

    def forward(self, x):
        return self.make(x)


def test_a_model_agrees_with_itself(trained_model):
    images, _ = nets.textures(70, 5)
    found = measure(trained_model, trained_model, images, 64)
    assert found == Fidelity(70, 0.0, 0.0, 1.0, found.spread)


def test_figures_are_those_of_the_definition():
    logits = torch.tensor([[2.0, 0.0], [0.0, 1.0], [0.0, 3.0], [1.0, 0.0]])
    other = torch.tensor([[2.0, 0.0], [0.0, 1.0], [3.0, 0.0], [1.0, 0.0]])
    found = measure(Answers(lambda x: x), Answers(lambda x: other), logits, 4)
    p, q = logits.softmax(1), other.softmax(1)
    assert found.divergence == pytest.approx(float((p * (p / q).log()).sum(1).mean()), rel=1e-5)
    assert found.agreement == 0.75
    assert found.relative_error == pytest.approx(18 / float((logits - logits.mean(0)).square().sum()))


def test_it_reads_as_a_sentence():
    assert str(Fidelity(128, 3.21e-5)) == "on 128 unseen images: relative error 3.21e-05"
    told = "on 9 unseen images: relative error 0.321, divergence 0.0042 nats, same class in 90.0%"
    assert str(Fidelity(9, 0.321, 0.0042, 0.9)) == told


def test_answers_that_are_no_numbers_are_not_near():
    images = torch.randn(4, 3)
    found = measure(Answers(lambda x: x), Answers(lambda x: x * math.nan), images, 4)
    assert math.isnan(found.divergence)
    assert math.isnan(found.relative_error)


@pytest.mark.parametrize("left_out", [-math.inf, math.inf, math.nan])
@pytest.mark.parametrize("images", [slice(None), slice(3)])
def test_what_is_not_finite_in_the_dense_answers_is_left_out(left_out, images):
    """Two classes of five, for all images or for some; `spoilt` differs there, too."""
    logits = torch.randn(12, 5, generator=torch.Generator().manual_seed(0))
    spoilt, ruled_out = 1.3 * logits, logits.clone()
    ruled_out[images, 1::2] = left_out
    there = torch.isfinite(ruled_out)
    found = measure(Answers(lambda x: ruled_out), Answers(lambda x: spoilt), logits, 12)
    mean = logits.where(there, 0).sum(0) / there.sum(0).clamp_min(1)
    spread = float((logits - mean).square()[there].sum())
    assert found.relative_error == pytest.approx(float((0.3 * logits).square()[there].sum()) / spread)
    assert found.spread == pytest.approx(spread / float(logits.square()[there].sum()))
    p, q = (each.where(there, -torch.inf).softmax(1) for each in (logits, spoilt))
    wanted = float((p * (p / q).log()).nansum(1).mean())
    assert found.divergence == pytest.approx(wanted, rel=1e-4)
    assert found.agreement == 1.0


def test_the_spread_is_that_of_the_output_that_moves_most():
    def fixed(x: torch.Tensor) -> torch.Tensor:
        return torch.arange(4.0).expand(len(x), 4)

    images, moving = torch.randn(50, 4), Answers(lambda x: (fixed(x), 100 + 0.1 * x))
    assert measure(moving, moving, images, 16).spread == pytest.approx(1e-6, rel=0.5)
    assert measure(Answers(fixed), Answers(fixed), images, 16).spread == 0.0


def test_a_dense_model_that_answers_nothing_finite_is_no_yardstick():
    images = torch.randn(8, 4)
    found = measure(Answers(lambda x: x * math.nan), Answers(lambda x: x), images, 4)
    assert math.isnan(found.relative_error)
    assert math.isnan(found.spread)
    assert found.gap <= 2.0 * found.gap  # so that nothing is undone


@pytest.mark.parametrize("make", [lambda x: x[..., None], lambda x: (x, {"a": x}), lambda x: x[:, :1]])
def test_what_is_no_classifier_has_an_error_alone(make):
    images = torch.randn(9, 4)
    found = measure(Answers(make), Answers(lambda x: make(2 * x)), images, 4)
    assert (found.divergence, found.agreement) == (None, None)
    spread = (make(images)[0] if isinstance(make(images), tuple) else make(images)).flatten(1)
    expected = float(spread.square().mean() / (spread - spread.mean(0)).square().mean())
    assert found.relative_error == pytest.approx(expected, rel=1e-5)


def test_outputs_of_every_scale_count_alike():
    images = torch.randn(9, 4)

    def error(make, spoilt) -> float:
        return measure(Answers(make), Answers(spoilt), images, 4).relative_error

    boxes = (lambda x: 640 * x[..., None]), (lambda x: 650 * x[..., None])
    scores = (lambda x: x.sigmoid()[..., None]), (lambda x: x.tanh()[..., None])
    both = [lambda x, pair=pair: [make(x) for make in pair] for pair in zip(boxes, scores, strict=True)]
    assert error(*scores) > 100 * error(*boxes)
    assert error(*both) == pytest.approx((error(*boxes) + error(*scores)) / 2)


def test_numbers_of_classes_are_compared_where_there_is_nothing_else():
    images = torch.randn(9, 4)
    named = [Answers(lambda x, sign=sign: (sign * x, (sign * x).argmax(1))) for sign in (1, -1)]
    plain = [Answers(lambda x, sign=sign: sign * x) for sign in (1, -1)]
    assert measure(*named, images, 4) == measure(*plain, images, 4)
    alone = [Answers(lambda x, sign=sign: (sign * x).argmax(1)) for sign in (1, -1)]
    assert measure(*alone, images, 4).relative_error > 0.1


def test_rounding_of_what_is_the_same_for_all_images_is_no_error():
    grid = torch.rand(1, 99) + 300
    dense, pruned = (
        Answers(lambda x, grid=some: [x[..., None], grid.expand(len(x), 99)])
        for some in (grid, grid * (1 + 1e-7))
    )
    assert measure(dense, pruned, torch.randn(64, 4), 16).relative_error < 1e-3


def test_what_all_outputs_share_is_part_of_the_gap():
    images = torch.randn(64, 4)
    near, shifted = (
        measure(Answers(lambda x: x), Answers(make), images, 64)
        for make in (lambda x: 1.1 * x, lambda x: 1.1 * x + 9)
    )
    assert shifted.divergence == pytest.approx(near.divergence, rel=1e-3)
    assert not shifted.gap <= 2.0 * near.gap
    assert near.gap <= 2.0 * near.gap


def test_a_pruned_model_is_near_and_not_equal(result):
    fidelity = result.report.fidelity
    assert 0 < fidelity.relative_error < 1
    assert fidelity.agreement > 0.6


def test_the_certificate_names_model_masks_and_config(trained_model, config, result):
    result = replace(result, report=replace(result.report, warnings=["beware"]))
    values = json.loads(json.dumps(certify(trained_model, (3, 16, 16), config, result).to_dict()))
    assert values["masks"] == result.masks.digest()
    assert values["model"] == model_digest(trained_model)
    assert values["config"]["rate"] == config.rate
    assert [layer["name"] for layer in values["layers"]] == [layer.name for layer in result.report.layers]
    assert values["layers"][0]["weights"] == int(result.masks[values["layers"][0]["name"]].sum())
    assert values["versions"]["torch"] == torch.__version__
    assert values["fidelity"]["agreement"] == result.report.fidelity.agreement
    assert values["gap"]["deviation"] == result.report.gap.deviation
    assert values["warnings"] == ["beware"]
    assert values["input_shape"] == [3, 16, 16]
    assert "stem" in values["dense"]


def test_the_digest_of_a_model_knows_every_weight(trained_model):
    other = copy.deepcopy(trained_model)
    assert model_digest(other) == model_digest(trained_model)
    with torch.no_grad():
        other.head.bias[-1] += 1e-6
    assert model_digest(other) != model_digest(trained_model)
