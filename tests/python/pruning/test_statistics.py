from __future__ import annotations

import nets
import pytest
import torch
from torch import nn

from patternlite.pruning.graph import Site, trace
from patternlite.pruning.statistics import Moments, Rows, bn_gap
from patternlite.pruning.statistics import outputs as outputs_of


@pytest.mark.parametrize(
    "options",
    [
        {"padding": 1},
        {"padding": 0, "stride": 2},
        {"padding": (2, 1), "dilation": (2, 1), "stride": (1, 2)},
        {"padding": "same", "dilation": (1, 3)},
        {"padding": 1, "padding_mode": "reflect"},
        {"padding": 2, "kernel_size": 5, "stride": 2},
        {"padding": "same", "kernel_size": (4, 1)},
        {"kernel_size": 1, "stride": 2},
        {"padding": 1, "groups": 6, "out_channels": 6},
    ],
)
def test_rows_times_weights_are_the_convolution(options):
    conv = nn.Conv2d(**{"in_channels": 6, "out_channels": 7, "kernel_size": 3, "bias": False} | options)
    batches = [torch.randn(n, 6, 11, 10) for n in (3, 2)]
    outputs = [conv(batch).detach() for batch in batches]
    site = Site("conv", conv, None, (11, 10), tuple(outputs[0].shape[2:]), residual=False)
    rows = Rows.sample(site, [3, 2], 60, seed=1)
    wanted = rows.of_outputs(outputs)
    assert wanted.shape == (60, conv.out_channels)
    torch.testing.assert_close(outputs_of(rows.of_inputs(site, batches), conv.weight.detach()), wanted)


def test_rows_are_spread_and_never_repeat():
    site = Site("conv", nn.Conv2d(1, 1, 3), None, (6, 7), (4, 5), residual=False)
    rows = Rows.sample(site, [3], 30, seed=0)
    places = list(zip(rows.image[0].tolist(), rows.y[0].tolist(), rows.x[0].tolist(), strict=True))
    assert len(set(places)) == 30
    assert rows.image[0].bincount().tolist() == [10, 10, 10]
    everything = Rows.sample(site, [3], 10_000, seed=0)
    assert len(everything.image[0]) == 60


def test_moments_give_the_error_of_any_weight():
    x, y, weight = torch.randn(200, 18) + 1, torch.randn(200, 4) - 2, torch.randn(4, 18)
    difference = y - x @ weight.T
    torch.testing.assert_close(Moments.of(x, y, centred=False).error(weight), difference.square().mean(0))
    torch.testing.assert_close(
        Moments.of(x, y, centred=True).error(weight), difference.var(0, correction=0), rtol=1e-4, atol=1e-4
    )


def test_moments_of_groups_are_those_of_each_group():
    x, y, weight = torch.randn(5, 200, 9) + 1, torch.randn(200, 5), torch.randn(5, 1, 9)
    grouped = Moments.of(x, y, centred=True)
    for group in range(5):
        alone = Moments.of(x[group], y[:, [group]], centred=True)
        torch.testing.assert_close(grouped.gram[group], alone.gram)
        torch.testing.assert_close(grouped.error(weight)[[group]], alone.error(weight[group]))


def test_the_gap_is_zero_on_what_was_remembered_and_grows_away_from_it(trained_model):
    x = nets.textures(512, 77)[0]
    norms = trace(trained_model, (3, 16, 16)).norms
    near = bn_gap(trained_model, norms, [x[:200], x[200:]])
    far = bn_gap(trained_model, norms, [torch.rand_like(x)])
    assert near.mean < 0.1 * far.mean
    assert bn_gap(trained_model, norms, [x]).mean == pytest.approx(near.mean, rel=1e-3)

    remembering = nets.plain().train()
    for module in remembering.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    batch = torch.randn(64, 3, 12, 12)
    remembering(batch)
    exact = bn_gap(remembering.eval(), trace(remembering, (3, 12, 12)).norms, [batch[:20], batch[20:]])
    assert exact.mean < 1e-8
    assert exact.deviation < 1e-6
    assert exact.fits_least_squares
