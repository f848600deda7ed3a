"""Sampled rows and their moments, compared with the convolution itself."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from patternlite.pruning.model.graph import Site
from patternlite.pruning.statistics import Moments, Sample, grouped, outputs_of
from patternlite.pruning.support.distributed import Group


@pytest.mark.parametrize(
    ("kernel", "options"),
    [
        (3, {"padding": 1}),
        (3, {"padding": 0, "stride": 2}),
        (3, {"padding": (2, 1), "dilation": (2, 1), "stride": (1, 2)}),
        (3, {"padding": "same", "dilation": (1, 3)}),
        (3, {"padding": 1, "padding_mode": "reflect"}),
        (3, {"padding": 1, "groups": 2}),
        (3, {"padding": 1, "groups": 6, "stride": 2}),
        ((5, 2), {"padding": "same"}),
        (7, {"padding": 3, "groups": 3}),
        (1, {"stride": 2}),
    ],
)
def test_rows_times_weights_are_the_convolution(kernel, options):
    conv = nn.Conv2d(6, 12, kernel, bias=False, **options)
    batches = [torch.randn(n, 6, 11, 10) for n in (3, 2)]
    outputs = [conv(batch).detach() for batch in batches]
    site = Site("conv", conv, None, (11, 10), tuple(outputs[0].shape[2:]), residual=False)
    rows = Sample(seed=1, count=50, images=5).rows(site, [3, 2])
    wanted = rows.of_outputs(outputs)
    assert [tuple(part.shape) for part in wanted] == [(30, 12), (20, 12)]
    for given, part in zip(outputs_of(site, rows.of_inputs(site, batches)), wanted, strict=True):
        torch.testing.assert_close(given, part)


def test_rows_are_spread_and_never_repeat():
    site = Site("conv", nn.Conv2d(1, 1, 3), None, (6, 7), (4, 5), residual=False)
    rows = Sample(seed=0, count=30, images=3).rows(site, [3])
    places = list(zip(rows.image[0].tolist(), rows.y[0].tolist(), rows.x[0].tolist(), strict=True))
    assert len(set(places)) == 30
    assert rows.image[0].bincount().tolist() == [10, 10, 10]
    everything = Sample(seed=0, count=10_000, images=3).rows(site, [3])
    assert len(everything.image[0]) == 60


def test_every_image_gives_a_row_however_many_there_are():
    site = Site("conv", nn.Conv2d(1, 1, 3), None, (10, 10), (8, 8), residual=False)
    rows = Sample(seed=0, count=3, images=6).rows(site, [4, 2])
    assert [len(image) for image in rows.image] == [4, 2]


def test_windows_of_an_image_share_its_rows():
    site = Site("conv", nn.Conv2d(1, 1, 3), None, (6, 7), (4, 5), residual=False, runs=4.0)
    rows = Sample(seed=0, count=36, images=3).rows(site, [8, 4])
    assert [len(image) for image in rows.image] == [24, 12]


def test_rows_differ_from_batch_to_batch_layer_to_layer_and_seed_to_seed():
    conv = nn.Conv2d(1, 1, 3)
    sites = [Site(name, conv, None, (34, 34), (32, 32), residual=False) for name in "ab"]
    rows = [Sample(seed, 40, 4).rows(site, [2, 2]) for seed in (0, 1) for site in sites]
    places = [(y, x) for found in rows for y, x in zip(found.y, found.x, strict=True)]
    assert len({tuple((32 * y + x).tolist()) for y, x in places}) == 8


def test_rows_do_not_depend_on_who_has_the_batch():
    site = Site("conv", nn.Conv2d(1, 1, 3), None, (10, 10), (8, 8), residual=False)
    whole = Sample(seed=0, count=60, images=9).rows(site, [3, 3, 3])
    part = Sample(seed=0, count=60, images=9, first_batch=1).rows(site, [3, 3])
    for key in ("image", "y", "x"):
        assert all(map(torch.equal, getattr(whole, key)[1:], getattr(part, key)))


@pytest.mark.parametrize("groups", [1, 2])
def test_moments_give_the_error_of_any_weight(groups):
    x, y = torch.randn(200, groups, 18) + 1, torch.randn(200, 4) - 2
    weight = torch.randn(4, 18)
    made = torch.einsum("rgd,god->rgo", x, grouped(weight, groups)).flatten(1)
    parts = [x[:70], x[70:]], [y[:70], y[70:]]
    plain, centred = (Moments.of(*parts, centred=c, group=Group()) for c in (False, True))
    torch.testing.assert_close(plain.error(weight), (y - made).square().mean(0))
    torch.testing.assert_close(centred.error(weight), (y - made).var(0, correction=0), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(centred.inputs, x.mean(0))
    torch.testing.assert_close(centred.outputs, y.mean(0))


@pytest.mark.parametrize("groups", [1, 4])
def test_moments_of_some_filters_give_their_errors(groups):
    x, y, weight = torch.randn(200, groups, 9), torch.randn(200, 4), torch.randn(4, 9)
    moments, some = Moments.of([x], [y], centred=True, group=Group()), torch.tensor([1, 3])
    torch.testing.assert_close(moments.of_filters(some).error(weight[some]), moments.error(weight)[some])


def test_moments_of_values_that_are_not_finite_are_refused():
    x = torch.randn(20, 1, 9)
    x[3, 0, 2] = float("nan")
    with pytest.raises(FloatingPointError):
        Moments.of([x], [torch.randn(20, 4)], centred=True, group=Group())
