"""`prune` from end to end on a small trained network."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import forms
import nets
import pytest
import torch
from torch import nn

from patternlite.pruning import Masks, PruneConfig, pipeline, prune
from patternlite.pruning.advice import warnings_for
from patternlite.pruning.model.norm_statistics import Gap
from patternlite.pruning.patterns import candidates
from patternlite.pruning.projections import Tiles
from patternlite.pruning.support.seeds import generator

UNIT = {"mean": (0.5,) * 3, "std": (0.25,) * 3}
QUICK = {"images": 64, "refine_steps": 0, "distill_steps": 0, **UNIT}


def test_a_trained_network_keeps_its_answers(trained_model, result):
    before, after = nets.accuracy(trained_model), nets.accuracy(result.model)
    one_shot = copy.deepcopy(trained_model)
    for name, mask in result.masks.items():
        weight = one_shot.get_submodule(name).weight.data
        kernels = int(mask.flatten(2).any(-1).sum())
        weight *= Tiles(kernels, patterns=candidates()[:8]).project(weight.flatten(2)).view_as(weight)
    assert before > 0.9
    assert after > before - 0.1
    assert after > nets.accuracy(one_shot) + 0.2


def test_budgets_hold_to_one_percent(result):
    weights = sum(m.numel() for m in result.masks.values()) / sum(int(m.sum()) for m in result.masks.values())
    assert weights == pytest.approx(result.report.rate)
    assert result.report.rate >= 4.0
    assert result.report.mac_rate >= 4.0
    assert min(result.report.rate, result.report.mac_rate) <= 4.04
    assert all(layer.rate >= 2.25 for layer in result.report.layers)


def test_a_budget_that_is_missed_is_told(result, config):
    report = result.report
    assert not warnings_for(report, config, trusted=True, undone=False)
    told = warnings_for(report, replace(config, rate=9.0, macs=9.0), trusted=True, undone=False)
    assert [text.split(",")[0] for text in told] == [
        f"weights shrank {report.rate:.2f}x", f"MACs shrank {report.mac_rate:.2f}x",
    ]  # fmt: skip


def test_the_report_counts_the_whole_model(result):
    before = sum(p.numel() for p in result.model.parameters())
    removed = sum(int((~mask).sum()) for mask in result.masks.values())
    assert result.report.parameters == before
    assert result.report.parameter_rate == pytest.approx(before / (before - removed))


def test_the_report_counts_every_window():
    model = forms.settled(forms.Windows(), (3, 16, 16))
    whole, part = prune(model, (3, 16, 16), PruneConfig(macs=4.0, **QUICK)).report.layers
    assert whole.dense_macs == part.dense_macs == 16 * 16 * 9 * 256
    assert (whole.macs, part.macs) == (256 * whole.weights, 256 * part.weights)


def test_every_kernel_follows_the_library(result):
    patterns = set()
    for name, mask in result.masks.items():
        kernels = mask.reshape(-1, 9)[mask.reshape(-1, 9).any(1)]
        assert bool((kernels.sum(1) == 4).all()), name
        assert bool(kernels[:, 4].all()), name
        patterns |= {tuple(kernel) for kernel in kernels.tolist()}
    assert len(patterns) <= 8
    result.masks.verify(result.model)


def test_the_model_passed_in_is_not_touched(trained_model, config):
    model = copy.deepcopy(trained_model).train()
    model.head.requires_grad_(False)
    before = copy.deepcopy(model.state_dict())
    steps = PruneConfig(rate=3.0, refine_steps=4, distill_steps=2, images=128, **UNIT)
    result = prune(model, (3, 16, 16), steps)
    assert model.training
    assert not result.model.training
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    for module in [*model.modules(), *result.model.modules()]:
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
    assert all(p.grad is None for p in result.model.parameters())
    trained = [name for name, p in result.model.named_parameters() if p.requires_grad]
    assert trained == [name for name, _ in model.named_parameters() if not name.startswith("head")]


def test_a_seed_gives_one_result(trained_model, config, result):
    again = prune(trained_model, (3, 16, 16), config)
    assert again.masks.digest() == result.masks.digest()
    for key, value in result.model.state_dict().items():
        assert torch.equal(value, again.model.state_dict()[key]), key


def test_every_step_draws_by_the_seed(trained_model, monkeypatch):
    drawn = set()

    def noted(seed, *purpose):
        drawn.add((seed, purpose[0]))
        return generator(seed, *purpose)

    for module in ("sources", "pipeline", "statistics", "layers", "distill"):
        monkeypatch.setattr(f"patternlite.pruning.{module}.generator", noted)
    monkeypatch.setattr(Gap, "fits_least_squares", property(lambda _self: True))
    steps = QUICK | {"refine_steps": 1, "distill_steps": 1, "admm": "gradient", "seed": 7}
    prune(trained_model, (3, 16, 16), PruneConfig(rate=4.0, **steps))
    assert drawn == {(7, what) for what in ("draw", "refine", "rows", "gradient", "distill")}


def test_the_report_reads_and_serialises(result):
    text = str(result.report)
    assert all(layer.name in text for layer in result.report.layers)
    assert "stem (first convolution)" in text
    gap = result.report.gap
    assert f"BatchNorm gap of the images: mean {gap.mean:.3f}, deviation {gap.deviation:.3f}" in text
    values = json.loads(json.dumps(result.report.to_dict()))
    assert values["rate"] == pytest.approx(result.report.rate)
    assert values["layers"][0]["shape"] == [24, 12, 3, 3]
    assert sum(values["layers"][0]["patterns"].values()) == values["layers"][0]["kernels"]
    assert values["fidelity"]["images"] == result.report.fidelity.images
    assert str(result.report.fidelity) in text
    assert set(values["seconds"]) == {"draw", "refine", "measure", "prune", "compare"}


def test_one_rate_for_all_needs_no_errors(trained_model, config, monkeypatch):
    def refuse(*_: object) -> None:
        raise AssertionError("nothing goes by it")

    monkeypatch.setattr(pipeline, "study", refuse)
    seen: list[tuple[str, float]] = []
    uniform = replace(config, allocation="uniform")
    report = prune(trained_model, (3, 16, 16), uniform, progress=lambda *call: seen.append(call)).report
    assert report.gap is not None
    assert [layer.rate for layer in report.layers] == pytest.approx([4.0] * 4, rel=0.02)
    assert "measure" in report.seconds
    fractions = [fraction for _, fraction in seen]
    assert fractions == sorted(fractions)


def test_a_long_list_is_cut_in_text_alone(result):
    dense = {f"layer{i}": "1x1" for i in range(30)}
    report = replace(result.report, dense=dense)
    assert "layer7 (1x1), and 22 more\n" in str(report)
    assert "layer8" not in str(report)
    assert report.to_dict()["dense"] == dense


def test_progress_runs_from_zero_to_one(trained_model):
    calls: list[tuple[str, float]] = []
    config = PruneConfig(rate=4.0, refine_steps=4, distill_steps=2, images=128, **UNIT)
    prune(trained_model, (3, 16, 16), config, progress=lambda *call: calls.append(call))
    fractions = [fraction for _, fraction in calls]
    assert fractions[0] == 0.0
    assert fractions[-1] == pytest.approx(1.0)
    assert fractions == sorted(fractions)
    stages = [text.split(" ")[0] for text, _ in calls]
    assert list(dict.fromkeys(stages)) == [
        "draw", "refine", "measure", "prune", "distill", "compare", "done",
    ]  # fmt: skip
    assert "prune blocks.1.conv1 (3 of 4)" in dict(calls)


@pytest.mark.parametrize(
    ("norm", "bias", "affine"), [(False, True, True), (False, False, True), (True, True, False)]
)
def test_networks_without_norms_or_gains(norm, bias, affine):
    torch.manual_seed(1)
    model = nets.plain(norm, bias, affine)
    for _ in range(10):
        model.train()(torch.randn(32, 3, 12, 12))
    result = prune(model, (3, 12, 12), PruneConfig(rate=2.25, **QUICK))
    result.masks.verify(result.model)
    assert result.report.rate == pytest.approx(2.25, rel=0.01)
    x = torch.randn(64, 3, 12, 12)
    with torch.no_grad():
        wanted, given = model.eval()[:-1](x), result.model[:-1](x)
    assert float((given - wanted).square().mean() / wanted.var()) < 0.5
    assert any("no BatchNorm" in warning for warning in result.report.warnings) != norm


def test_the_gap_is_taken_on_other_images_than_pruning_saw(trained_model, monkeypatch):
    draw, purposes = pipeline.draw, []
    monkeypatch.setattr(pipeline, "draw", lambda *args: purposes.append(args[-1]) or draw(*args))
    prune(trained_model, (3, 16, 16), PruneConfig(rate=4.0, **QUICK))
    assert len(purposes) == len(set(purposes)) == 3  # one looks whether the model keeps maps


def test_unfit_images_are_not_fitted_to(trained_model):
    config = PruneConfig(rate=4.0, source="uniform", **QUICK | {"distill_steps": 2})
    result = prune(trained_model, (3, 16, 16), config)
    assert not result.report.gap.fits_least_squares
    assert any('use source="mix" and more refine_steps' in warning for warning in result.report.warnings)
    for name, mask in result.masks.items():  # magnitude masks: kept weights are the originals
        before = trained_model.get_submodule(name).weight
        assert torch.equal(result.model.get_submodule(name).weight, before * mask)


def test_nobody_is_told_to_do_what_is_done(trained_model, monkeypatch):
    monkeypatch.setattr(Gap, "fits_least_squares", property(lambda _self: False))
    result = prune(trained_model, (3, 16, 16), PruneConfig(rate=4.0, **QUICK))
    (told,) = (warning for warning in result.report.warnings if "do not suit the model" in warning)
    assert told.endswith("Check mean and std, or use more refine_steps")


def test_retraining_from_saved_masks(tmp_path, trained_model, result):
    result.masks.save(tmp_path / "masks")
    model = copy.deepcopy(result.model)
    masks = Masks.load(tmp_path / "masks")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    with masks.enforced(model):
        x, labels = nets.textures(64, 1)
        nn.functional.cross_entropy(model(x), labels).backward()
        optimizer.step()
        result.masks.verify(model)


def test_autocast_around_it_changes_nothing(trained_model, result, config):
    with torch.autocast("cpu", torch.bfloat16):
        other = prune(trained_model, (3, 16, 16), config)
    assert other.masks.digest() == result.masks.digest()
    assert other.report.fidelity == result.report.fidelity


def test_the_default_device_is_nothing_to_it(trained_model, result, config):
    torch.set_default_device("meta")
    try:
        again = prune(trained_model, (3, 16, 16), config)
    finally:
        torch.set_default_device(None)
    assert again.masks.digest() == result.masks.digest()


def test_a_distillation_in_half_precision_sees_its_own_steps(trained_model, config, monkeypatch):
    """Within another autocast torch keeps what it made of the weights the first time."""
    answers = []

    def learn(student: nn.Module, *_: object) -> bool:
        for _ in range(2):
            with torch.enable_grad(), torch.autocast("cpu", torch.bfloat16):
                answers.append(student(torch.ones(1, 3, 16, 16)).detach())
            student.head.weight.data.mul_(2)
        return True

    monkeypatch.setattr(pipeline, "distill", learn)
    prune(trained_model, (3, 16, 16), replace(config, distill_steps=1))
    assert not torch.equal(*answers)


def test_a_buffer_may_hold_infinity(trained_model):
    model = copy.deepcopy(trained_model)
    model.register_buffer("mask", torch.full((4, 4), float("-inf")).triu(1))
    result = prune(model, (3, 16, 16), PruneConfig(rate=4.0, **QUICK))
    result.masks.verify(result.model)


def test_a_layer_that_lost_all_has_a_rate():
    model = forms.settled(nn.Sequential(forms.unit(3, 8), *(forms.unit(8, 8) for _ in range(3))), (3, 16, 16))
    model[2][0].weight.data.mul_(1e-25)  # as weight decay leaves a dead branch
    config = PruneConfig(rate=4.0, structure="varied", **QUICK)
    report = prune(model, (3, 16, 16), config).report
    assert report.layers[1].weights == 0
    assert report.layers[1].rate == report.layers[1].dense_weights
    assert "2.0" in str(report)
