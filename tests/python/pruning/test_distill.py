"""Distillation by itself: of weights that were pruned by magnitude and nothing else."""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import forms
import nets
import pytest
import torch
from torch import nn

from patternlite.pruning import Masks, distill, fidelity, pipeline, prune
from patternlite.pruning.imitation import divergence, imitate
from patternlite.pruning.model.precision import Form
from patternlite.pruning.support.checkpoint import Checkpoint, Record
from patternlite.pruning.support.distributed import Group

LAYERS = ["blocks.0.conv1", "blocks.0.conv2", "blocks.1.conv1", "blocks.1.conv2"]


@pytest.fixture
def pruned(trained_model) -> tuple[nn.Module, nn.Module, Masks]:
    """The model pruned, as it was, and the masks."""
    student, teacher = copy.deepcopy(trained_model), copy.deepcopy(trained_model).requires_grad_(False)
    weights = {name: student.get_submodule(name).weight for name in LAYERS}
    masks = Masks({name: w.abs() > w.abs().quantile(0.6) for name, w in weights.items()})
    masks.apply(student)
    return student, teacher, masks


def train(student: nn.Module, teacher: nn.Module, masks: Masks, steps: int, seed: int = 0) -> bool:
    run = distill.Distillation(steps, 64, seed, Group(), Checkpoint(None, "me", Group()), lambda *_: None)
    return distill.distill(student, teacher, LAYERS, masks, nets.textures(128, 1)[0], run)


def test_answers_come_nearer_and_zeros_stay(pruned):
    student, teacher, masks = pruned
    unseen = nets.textures(128, 2)[0]
    before = fidelity.measure(teacher, student, unseen, 64)
    train(student, teacher, masks, steps=30)
    masks.verify(student)
    assert fidelity.measure(teacher, student, unseen, 64).divergence < 0.3 * before.divergence


def test_maps_answers_and_classes_are_learnt(pruned):
    """By relative errors of all that layers read and of the answers, and the divergence of the classes."""
    student, teacher, _ = pruned
    x = nets.textures(16, 1)[0]
    form = Form(torch.contiguous_format, low=False)
    loss, _ = distill._loss(student, teacher, LAYERS, x, form, Group())
    seen = imitate(student, teacher, LAYERS, x)
    pairs = [*seen.maps, (seen.outputs[0], seen.answers[0])]
    errors = [float((value.detach() - target).norm() / target.norm()) ** 2 for value, target in pairs]
    wanted = sum(errors) + float(divergence(seen.outputs[0], seen.answers[0]).detach())
    assert float(loss.detach()) == pytest.approx(wanted, rel=1e-4)


def test_images_are_shifted_mirrored_and_mixed():
    """Mirrored left to right: what differs by rows alone stays so, in their order."""
    rows = torch.arange(8.0).view(1, 1, 8, 1).expand(16, 3, 8, 8)
    shifted, across = (
        distill._augmented(images, 16, torch.Generator().manual_seed(0)) for images in (rows, rows.mT)
    )
    assert any(torch.allclose(shifted, rows.roll(by, 2)) for by in range(-2, 3))
    (by,) = (by for by in range(-2, 3) if any(torch.equal(x, rows[0].mT.roll(by, 2)) for x in across))
    mirrored = [torch.equal(x, rows[0].mT.roll(by, 2).flip(2)) for x in across]
    mixed = [not (m or torch.equal(x, rows[0].mT.roll(by, 2))) for m, x in zip(mirrored, across, strict=True)]
    assert any(mirrored)
    assert any(mixed)


def test_the_learning_rate_falls_to_nothing(pruned, monkeypatch):
    rates, step = [], torch.optim.Adam.step

    def noted(optimizer, *args):
        rates.append(optimizer.param_groups[0]["lr"] / 5e-4)
        return step(optimizer, *args)

    monkeypatch.setattr(torch.optim.Adam, "step", noted)
    train(*pruned, steps=4)
    assert rates == pytest.approx([(1 + math.cos(math.pi * i / 4)) / 2 for i in range(4)])


def test_each_step_sees_other_images_by_the_seed(pruned, monkeypatch):
    seeds, augmented = [], distill._augmented

    def noted(images, count, random):
        seeds.append(random.initial_seed())
        return augmented(images, count, random)

    monkeypatch.setattr(distill, "_augmented", noted)
    for seed in (0, 0, 1):
        train(*pruned, steps=2, seed=seed)
    assert seeds[:2] == seeds[2:4]
    assert len(set(seeds)) == 4


def test_a_distillation_that_diverges_says_what_to_do(pruned, monkeypatch):
    monkeypatch.setattr(distill, "_RATE", 1e30)
    with pytest.raises(ValueError, match="distillation diverges: set distill_steps=0"):
        train(*pruned, steps=3)


def test_nothing_of_a_distillation_that_diverges_is_kept(pruned, monkeypatch, tmp_path):
    """Its advice makes another run, which the checkpoint would refuse."""
    student, teacher, masks = pruned
    images, store = nets.textures(128, 1)[0], Checkpoint(tmp_path / "c", "me", Group())
    store.save("something", Record(values={"done": 1}))
    run = distill.Distillation(3, 64, 0, Group(), store, lambda *_: None)
    monkeypatch.setattr(distill, "_RATE", 1e30)
    with pytest.raises(ValueError, match="diverges"):
        distill.distill(student, teacher, LAYERS, masks, images, run)
    assert not (tmp_path / "c").exists()


class Ruling(nets.Tiny):
    """A class is ruled out."""

    forbidden = float("-inf")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x).index_fill(1, torch.tensor([2]), self.forbidden)


def test_classes_that_are_ruled_out_are_not_learnt(pruned, trained_model):
    """The others as if there were no such class."""
    masks, unseen = pruned[2], nets.textures(128, 2)[0]
    teacher, student = Ruling(), Ruling()
    teacher.load_state_dict(trained_model.state_dict())
    student.load_state_dict(pruned[0].state_dict())
    before = fidelity.measure(teacher.eval(), student.eval(), unseen, 64)
    train(student, teacher.requires_grad_(False), masks, steps=30)
    after = fidelity.measure(teacher, student, unseen, 64)
    assert after.divergence < 0.3 * before.divergence
    assert after.relative_error < 0.3 * before.relative_error


def test_a_teacher_without_finite_answers_is_named(pruned):
    student, teacher, masks = pruned
    student.forward = lambda x: nets.Tiny.forward(student, x) * torch.nan
    teacher.forward = lambda x: nets.Tiny.forward(teacher, x) * torch.nan
    with pytest.raises(ValueError, match=r"diverges \(the dense model's own .*\): set distill_steps=0"):
        train(student, teacher, masks, steps=3)


def test_what_is_frozen_stays(pruned):
    student, teacher, masks = pruned
    student.head.requires_grad_(False)
    frozen, learnt = student.head.weight.clone(), student.get_submodule(LAYERS[0]).weight.clone()
    train(student, teacher, masks, steps=2)
    assert torch.equal(student.head.weight, frozen)
    assert not torch.equal(student.get_submodule(LAYERS[0]).weight, learnt)
    assert not student.head.weight.requires_grad
    assert student.get_submodule(LAYERS[0]).weight.requires_grad


def test_all_of_a_frozen_model_learns(pruned):
    student, teacher, masks = pruned
    student.requires_grad_(False)
    before = student.get_submodule(LAYERS[0]).weight.clone()
    train(student, teacher, masks, steps=2)
    assert not torch.equal(student.get_submodule(LAYERS[0]).weight, before)
    assert not any(p.requires_grad for p in student.parameters())


def test_a_model_without_gradients_stays_as_it_is(pruned):
    student, teacher, masks = pruned
    student.forward = torch.no_grad()(student.forward)
    before = copy.deepcopy(student.state_dict())
    train(student, teacher, masks, steps=2)
    assert all(torch.equal(value, before[key]) for key, value in student.state_dict().items())


class Inferring(nets.Tiny):
    forward = torch.no_grad()(nets.Tiny.forward)


def test_a_model_that_could_not_learn_is_told_of(config):
    model = forms.settled(Inferring(), (3, 16, 16))
    for steps in (0, 1):
        some = replace(config, refine_steps=0, distill_steps=steps)
        told = any("nothing distilled" in text for text in prune(model, (3, 16, 16), some).report.warnings)
        assert told == bool(steps)


@pytest.mark.parametrize("harm", [True, False, math.nan])
def test_what_a_distillation_spoils_is_undone(trained_model, config, result, monkeypatch, harm):
    def shift(student: nn.Module, *_: object) -> bool:
        with torch.no_grad():
            for weight in student.parameters():
                weight *= (math.nan if harm is math.nan else -1.0) if harm else 1.001
        return True

    monkeypatch.setattr(pipeline, "distill", shift)
    spoilt = prune(trained_model, (3, 16, 16), replace(config, distill_steps=1))
    pairs = zip(spoilt.model.parameters(), result.model.parameters(), strict=True)
    same = [torch.equal(*pair) for pair in pairs]
    assert all(same) if harm else not any(same)
    told_of_given = spoilt.report.fidelity == result.report.fidelity
    assert told_of_given == bool(harm)
    assert any("set distill_steps=0" in text for text in spoilt.report.warnings) == bool(harm)
    spoilt.masks.verify(spoilt.model)


def test_an_offset_of_all_answers_is_undone(trained_model, config, result, monkeypatch):
    """No softmax tells of it."""

    def shift(student: nn.Module, *_: object) -> bool:
        student.head.bias.data += 9
        return True

    monkeypatch.setattr(pipeline, "distill", shift)
    spoilt = prune(trained_model, (3, 16, 16), replace(config, distill_steps=1))
    assert torch.equal(spoilt.model.head.bias, result.model.head.bias)


def test_an_offset_of_all_answers_is_unlearnt(trained_model, monkeypatch):
    student, teacher = copy.deepcopy(trained_model), copy.deepcopy(trained_model).requires_grad_(False)
    student.requires_grad_(False).head.bias.requires_grad_(True)
    student.head.bias.data += 0.5
    monkeypatch.setattr(distill, "_RATE", 0.05)
    train(student, teacher, Masks({}), steps=30)
    assert float((student.head.bias - teacher.head.bias).detach().mean().abs()) < 0.2
