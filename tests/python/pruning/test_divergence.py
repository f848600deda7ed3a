"""A layer that cannot be pruned for numerical reasons is named, with what to do about it."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import forms
import nets
import pytest
import torch
from torch import nn

from patternlite.pruning import PruneConfig, admm, codesign, gradient, prune
from patternlite.pruning.advice import warnings_for

SHAPE = (3, 12, 12)
QUICK = {"images": 64, "refine_steps": 0, "distill_steps": 0, "mean": (0.5,) * 3, "std": (0.25,) * 3}
FIX = r"keep it dense \(dense=\('{0}',\)\), ask for a lower rate, and check that mean and std are those"


def settled() -> nn.Module:
    torch.manual_seed(0)
    return forms.settled(nets.plain(), SHAPE)


def refused(model: nn.Module, layer: str, why: str, **options) -> None:
    with pytest.raises(ValueError, match=rf"^{layer} diverges \({why}\): {FIX.format(layer)}"):
        prune(model, SHAPE, PruneConfig(rate=3.0, **QUICK, **options))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["3.weight", "4.running_var", "11.bias"])
def test_every_tensor_that_is_not_finite_is_named(name, value):
    model = settled()
    model.state_dict()[name].flatten()[0] = value
    with pytest.raises(
        ValueError, match=rf"^{name} holds NaN or infinity: the model is damaged, or its trai"
    ):
        prune(model, SHAPE, PruneConfig(rate=3.0, **QUICK))


def test_inputs_that_overflow():
    """Finite weights, and infinite maps where the second convolution reads them."""
    model = nets.plain(norm=False)
    model[0].weight.data.fill_(1e38)
    refused(model, "2", "infinite or undefined values")


def test_outputs_whose_power_overflows():
    """Finite maps: what the norm makes of their squares' sum is not, and no error is a share of it."""
    model = settled()
    model[4].weight.data *= 1e25
    refused(model, "3", "the power of its outputs is not finite")


def test_squares_that_overflow():
    torch.manual_seed(0)
    model = nets.plain(norm=False)
    model[0].weight.data *= 3e18
    refused(model, "2", "infinite or undefined values")


def test_moments_that_cannot_be_factored(monkeypatch):
    def singular(*_):
        raise torch.linalg.LinAlgError("the input is not positive-definite")

    monkeypatch.setattr(torch.linalg, "cholesky", singular)
    refused(settled(), "3", "the input is not positive-definite")


def test_weights_that_overflow(monkeypatch):
    solve = admm.solve

    def overflowing(*args):
        solution = solve(*args)
        return replace(solution, weight=solution.weight * torch.inf)

    monkeypatch.setattr(admm, "solve", overflowing)
    refused(settled(), "3", "weights that are not finite come of pruning it")


def test_what_helps_can_be_done_with_the_same_checkpoint(monkeypatch, tmp_path):
    def diverge(*_):
        raise FloatingPointError("too far")

    config = PruneConfig(rate=3.0, **QUICK)
    monkeypatch.setattr(admm, "solve", diverge)
    with pytest.raises(ValueError, match=r"^3 diverges"):
        prune(settled(), SHAPE, config, checkpoint=tmp_path / "c")
    assert not (tmp_path / "c").exists()
    monkeypatch.undo()
    prune(settled(), SHAPE, replace(config, dense=("3",)), checkpoint=tmp_path / "c")


def test_a_checkpoint_that_cannot_be_deleted_hides_no_divergence(monkeypatch, tmp_path):
    def diverge(*_):
        raise FloatingPointError("too far")

    monkeypatch.setattr(admm, "solve", diverge)
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: Path("/none/at/all").stat())
    with pytest.raises(ValueError, match=r"^3 diverges \(too far\)"):
        prune(settled(), SHAPE, PruneConfig(rate=3.0, **QUICK), checkpoint=tmp_path / "c")


def test_less_can_be_asked_for_with_the_same_checkpoint(monkeypatch, tmp_path):
    def refuse(*_):
        raise ValueError("cannot be had together")

    config = PruneConfig(rate=3.0, **QUICK)
    monkeypatch.setattr(codesign, "choose", refuse)
    with pytest.raises(ValueError, match="cannot be had together"):
        prune(settled(), SHAPE, config, checkpoint=tmp_path / "c")
    assert not (tmp_path / "c").exists()
    monkeypatch.undo()
    prune(settled(), SHAPE, replace(config, rate=2.5), checkpoint=tmp_path / "c")


def test_a_gradient_descent_that_diverges(monkeypatch):
    monkeypatch.setattr(gradient, "_STEP", 1e25)
    refused(settled(), "3", "gradient ADMM does not converge", admm="gradient")


def test_a_gradient_descent_that_does_not_arrive_is_told(monkeypatch):
    config = PruneConfig(rate=3.0, admm="gradient", **QUICK)
    assert not prune(settled(), SHAPE, config).report.warnings
    monkeypatch.setattr(gradient, "_STEPS", 1)
    told = prune(settled(), SHAPE, config).report.warnings
    assert any("3 did not converge: gradient ADMM ended" in text for text in told), told


def test_a_layer_worse_than_zeros_is_told():
    config = PruneConfig(rate=3.0, **QUICK)
    report = prune(settled(), SHAPE, config).report
    assert not report.warnings
    report.layers[1] = replace(report.layers[1], relative_error=1.25)
    (told,) = warnings_for(report, config, trusted=True, undone=False)
    assert told.startswith("6 diverged: its error is 1.25 of its output, more than zeros would make")


def test_a_layer_that_nothing_was_fitted_to_did_not_diverge():
    """The images do not suit the model, which is told."""
    config = PruneConfig(rate=3.0, **QUICK)
    report = prune(settled(), SHAPE, config).report
    report.layers[:] = [replace(layer, relative_error=1.25) for layer in report.layers]
    (told,) = warnings_for(report, config, trusted=False, undone=False)
    assert told.startswith("the images do not suit the model")
    by_gradient = warnings_for(report, replace(config, admm="gradient"), trusted=False, undone=False)
    assert sum("diverged" in text for text in by_gradient) == len(report.layers)


@pytest.mark.parametrize("error", [11.0, float("nan")])
def test_useless_answers_are_told(trained_model, result, config, error):
    def told(error: float) -> bool:
        report = replace(result.report, fidelity=replace(result.report.fidelity, relative_error=error))
        return any("do not use it" in text for text in warnings_for(report, config, True, False))

    assert told(error)
    assert not told(2.0)


@pytest.mark.parametrize(
    ("spread", "message"),
    [
        (math.nan, "nothing that the dense model answers to synthetic images is finite,"),
        (9e-4, "the dense model gives all but the same answer to all synthetic images"),
    ],
)
def test_answers_that_nothing_can_be_compared_with_are_told(result, config, spread, message):
    report = replace(result.report, fidelity=replace(result.report.fidelity, spread=spread))
    (told,) = warnings_for(report, config, True, False)
    assert told.startswith(message)
    assert told.endswith("check that mean and std are those the model was trained with")
