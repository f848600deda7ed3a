"""Schemes and kinds of convolutions, through the whole of `prune`."""

from __future__ import annotations

import forms
import nets
import pytest
import torch
from torch import nn

from patternlite.pruning import Masks, PruneConfig, prune

UNIT = {"mean": (0.5,) * 3, "std": (0.25,) * 3}
QUICK = {"images": 64, "refine_steps": 4, "distill_steps": 0, **UNIT}


def tiles_of(masks: Masks, group: int) -> bool:
    """Whether filters fall into groups of this size, all of a group with one mask."""
    for mask in masks.values():
        counts = mask.flatten(1).unique(dim=0, return_counts=True)[1]
        if (counts % group).any():
            return False
    return True


def patterns_in(masks: Masks) -> int:
    return len(torch.cat([mask.flatten(2).flatten(0, 1) for mask in masks.values()]).unique(dim=0))


@pytest.mark.parametrize(
    ("structure", "holds"),
    [
        ("g2", lambda masks: tiles_of(masks, 2)),
        ("g4", lambda masks: tiles_of(masks, 4)),
        (
            "filter",
            lambda masks: all(m.flatten(1).any(1).eq(m.flatten(1).all(1)).all() for m in masks.values()),
        ),
        ("column", lambda masks: all(m.any(0).eq(m.all(0)).all() for m in masks.values())),
        ("varied", lambda masks: 4 < patterns_in(masks) <= 17),  # nothing is one of them
        ("irregular", lambda masks: not tiles_of(masks, 2)),
        ("block", lambda masks: all((m[:8, :4] == m[:1, :1]).all() for m in masks.values())),
        ("c4", lambda masks: all((int(m.sum()) % 16) == 0 for m in masks.values())),
    ],
)
def test_a_scheme_keeps_its_structure_and_its_budget(trained_model, structure, holds):
    result = prune(trained_model, (3, 16, 16), PruneConfig(rate=4.0, structure=structure, **QUICK))
    assert holds(result.masks)
    assert 4.0 <= result.report.rate < 4.5
    assert {layer.structure for layer in result.report.layers} == {structure}
    assert all(layer.residuals for layer in result.report.layers)
    result.masks.verify(result.model)


def test_uniform_allocation_gives_every_layer_its_rate(trained_model):
    config = PruneConfig(rate=3.0, structure="irregular", allocation="uniform", **QUICK)
    rates = [layer.rate for layer in prune(trained_model, (3, 16, 16), config).report.layers]
    assert rates == pytest.approx([3.0] * len(rates), rel=0.01)


def mixed() -> nn.Sequential:
    """Convolutions of many kinds, for (3, 12, 12)."""

    def norm(channels: int) -> list[nn.Module]:
        return [nn.BatchNorm2d(channels), nn.ReLU()]

    return nn.Sequential(
        nn.Conv2d(3, 12, 3, padding=1, bias=False), *norm(12),
        nn.Conv2d(12, 24, 1, bias=False), *norm(24),
        nn.Conv2d(24, 24, 3, padding=1, groups=24, bias=False), *norm(24),
        nn.Conv2d(24, 16, 5, 2, 2, bias=False), *norm(16),
        nn.Conv2d(16, 16, (1, 3), padding="same", groups=4, bias=False), *norm(16),
        nn.Conv2d(16, 12, 7, padding=3, bias=False), *norm(12),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 4),
    )  # fmt: skip


def test_every_kind_of_convolution_can_be_pruned():
    torch.manual_seed(2)
    model = forms.settled(mixed(), (3, 12, 12))
    kinds = ("1x1", "depthwise", "5x5", "7x7")
    result = prune(model, (3, 12, 12), PruneConfig(rate=3.0, kinds=kinds, **QUICK))
    pointwise, depthwise, five, seven = (result.masks[name] for name in ("3", "6", "9", "15"))
    assert list(result.report.dense.values()) == ["3x3", "4 groups"]
    assert all(layer.residuals for layer in result.report.layers)
    assert 0 < pointwise.float().mean() < 1
    assert set(depthwise.flatten(2).sum(2).unique().tolist()) <= {0, 4}
    assert set(five.flatten(2).sum(2).unique().tolist()) <= {0, 8}
    assert set(seven.flatten(2).sum(2).unique().tolist()) <= {0, 16}
    assert result.report.rate >= 3.0
    assert not any("shrank" in warning for warning in result.report.warnings)
    result.masks.verify(result.model)
    x = nets.textures(64, 9)[0][..., 2:14, 2:14]
    with torch.no_grad():
        wanted, given = model[:-1](x), result.model[:-1](x)
    assert float((given - wanted).square().mean() / wanted.var()) < 0.4
