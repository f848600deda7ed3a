from __future__ import annotations

import nets
import pytest
import torch
from torch import nn

from patternlite.pruning.graph import Site, trace
from patternlite.pruning.statistics import Moments, Rows, bn_gap


@pytest.mark.parametrize(
    "options",
    [
        {"padding": 1},
        {"padding": 0, "stride": 2},
        {"padding": (2, 1), "dilation": (2, 1), "stride": (1, 2)},
        {"padding": "same", "dilation": (1, 3)},
        {"padding": 1, "padding_mode": "reflect"},
    ],
)
def test_rows_times_weights_are_the_convolution(options):
    conv = nn.Conv2d(5, 7, 3, bias=False, **options)
    batches = [torch.randn(n, 5, 11, 10) for n in (3, 2)]
    outputs = [conv(batch).detach() for batch in batches]
    site = Site("conv", conv, None, tuple(outputs[0].shape[2:]), residual=False)
    rows = Rows.sample(site, [3, 2], 60, seed=1)
    wanted = rows.of_outputs(outputs)
    assert wanted.shape == (60, 7)
    torch.testing.assert_close(rows.of_inputs(site, batches) @ conv.weight.detach().flatten(1).T, wanted)


def test_rows_are_spread_and_never_repeat():
    site = Site("conv", nn.Conv2d(1, 1, 3), None, (4, 5), residual=False)
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
