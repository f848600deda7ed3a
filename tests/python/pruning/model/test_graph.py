"""What a trace finds out about a model's convolutions."""

from __future__ import annotations

import re

import forms
import nets
import pytest
import torch
from torch import Tensor, nn

from patternlite.pruning.model.graph import trace


def test_a_residual_network_is_understood():
    found = trace(nets.Tiny().eval(), (3, 16, 16))
    assert [(s.name, s.residual, s.activation, s.out_size) for s in found.sites] == [
        ("blocks.0.conv1", False, torch.relu, (8, 8)),
        ("blocks.0.conv2", True, None, (8, 8)),
        ("blocks.1.conv1", False, torch.relu, (4, 4)),
        ("blocks.1.conv2", True, None, (4, 4)),
    ]
    assert all(site.norm is not None for site in found.sites)
    assert len(found.norms) == 7
    assert found.largest == 12 * 16 * 16
    assert found.dense == {
        "stem": "first convolution",
        "blocks.0.shortcut.0": "1x1",
        "blocks.1.shortcut.0": "1x1",
    }


class Odd(nn.Module):
    """Everything that has to stay dense, and a norm that is no norm of its convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.grouped = nn.Conv2d(8, 8, 3, padding=1, groups=2)
        self.twice = nn.Conv2d(8, 8, 3, padding=1)
        self.tied = nn.Conv2d(8, 8, 3, padding=1)
        self.tied_too = nn.Conv2d(8, 8, 3, padding=1)
        self.tied_too.weight = self.tied.weight
        self.idle = nn.Conv2d(8, 8, 3)
        self.last = nn.Conv2d(8, 8, 3, padding=2, dilation=2, stride=2)
        self.norm = nn.BatchNorm2d(8)

    def forward(self, x):
        x = self.grouped(self.first(x))
        x = self.tied_too(self.tied(self.twice(self.twice(x))))
        return self.norm(torch.relu(self.last(x)))


def test_what_stays_dense_says_why():
    found = trace(Odd().eval(), (3, 10, 10))
    assert [site.name for site in found.sites] == ["last"]
    assert found.sites[0].norm is None
    assert found.dense["grouped"] == "2 groups"
    assert found.dense["twice"] == found.dense["tied"] == found.dense["tied_too"] == "used 2 times"
    assert found.dense["idle"] == "does not run"


def test_a_layer_that_runs_at_several_sizes_counts_each():
    model, macs, pixels = forms.Yolo().eval(), [], []
    for conv in (m for m in model.modules() if isinstance(m, nn.Conv2d)):
        conv.register_forward_hook(lambda m, _, y: macs.append(m.weight.numel() * y[0, 0].numel()))
    model.shared.register_forward_hook(lambda _module, _inputs, y: pixels.append(y[0, 0].numel()))
    found = trace(model, (3, 64, 64))
    assert found.macs == sum(macs)
    (head,) = (site for site in found.left if site.name == "shared")
    assert pixels == [256, 64, 16]
    assert (head.in_size, head.out_size, head.runs) == ((16, 16), (16, 16), 336 / 256)


def test_windows_count_as_often_as_there_are_of_them():
    found = trace(forms.Windows().eval(), (3, 8, 8))
    whole, part = found.sites
    assert (part.out_size, part.runs) == ((4, 4), 4.0)
    assert part.macs == whole.macs == 16 * 16 * 9 * 64
    assert found.macs == 2 * whole.macs + 3 * 16 * 9 * 64


class Crops(forms.Odd):
    def forward(self, x: Tensor) -> Tensor:
        return self.body(torch.cat([x, x.flip(2), x.flip(3)]))[: len(x)]


def test_the_largest_map_is_that_of_all_crops():
    assert trace(Crops().eval(), (3, 8, 8)).largest == 3 * 8 * 64


class Regions(forms.Windows):
    def forward(self, x: Tensor) -> Tensor:
        x = self.whole(self.stem(x))
        found = self.part(x[x.mean((1, 2, 3)) > 1e9])
        return x.mean((2, 3)) + found.sum()


def test_a_layer_that_finds_no_region_in_zeros_counts_once():
    whole, part = trace(Regions().eval(), (3, 8, 8)).sites
    assert (part.runs, part.macs) == (1.0, whole.macs)


class Norms(nn.Module):
    """One that remembers nothing, and one that runs twice."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(inputs, 8, 3, padding=1) for inputs in (3, 8, 8, 8))
        self.forgets, self.twice = nn.BatchNorm2d(8, track_running_stats=False), nn.BatchNorm2d(8)

    def forward(self, x: Tensor) -> Tensor:
        x = self.forgets(self.convs[1](self.convs[0](x)))
        return self.twice(self.convs[3](self.twice(self.convs[2](x))))


def test_norms_without_statistics_or_used_twice_are_not_relied_on():
    found = trace(Norms().eval(), (3, 8, 8))
    assert found.norms == []
    assert [site.norm for site in found.sites] == [None] * 3


class Adds(nn.Module):
    """`add` of a linear end and what it read."""

    def __init__(self, add) -> None:
        super().__init__()
        self.stem, self.end, self.add = forms.unit(3, 8), forms.unit(8, 8, act=None), add

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return self.add(self.end(x), x)


@pytest.mark.parametrize(
    ("add", "plain"),
    [
        (torch.add, True),
        (torch.Tensor.add, True),
        (torch.Tensor.add_, True),
        (lambda y, x: x + y, True),
        (lambda y, x: torch.add(x, y, alpha=2), False),
        (lambda y, x: y + x.mean((2, 3), keepdim=True), False),
    ],
)
def test_a_branch_ends_at_a_plain_addition_however_it_is_spelt(add, plain):
    (site,) = trace(Adds(add).eval(), (3, 8, 8)).sites
    assert site.residual == plain


def test_layers_asked_for_stay_dense():
    found = trace(nets.Tiny().eval(), (3, 16, 16), ("blocks.1.conv1",))
    assert "blocks.1.conv1" not in [site.name for site in found.sites]
    assert found.dense["blocks.1.conv1"] == "asked to stay"
    for name in ("nope", "norm"):
        with pytest.raises(ValueError, match=f"no convolution is named {name}"):
            trace(nets.Tiny().eval(), (3, 16, 16), (name,))


def test_layers_are_asked_for_by_any_of_their_names():
    model = nets.Tiny().eval()
    model.again = model.blocks[1]
    assert trace(model, (3, 16, 16), ("again.conv1",)).dense["blocks.1.conv1"] == "asked to stay"


def test_a_model_that_cannot_run_says_so():
    with pytest.raises(ValueError, match=r"cannot run on a batch of shape \(2, 4, 16, 16\)"):
        trace(nets.Tiny().eval(), (4, 16, 16))


class TwoInputs(nets.Tiny):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(x) + y


class Inferring(nets.Tiny):
    def forward(self, x: Tensor) -> Tensor:
        with torch.inference_mode():
            return super().forward(x)


@pytest.mark.parametrize(
    ("model", "advice"),
    [
        (TwoInputs, "Wrap it in a module whose forward takes one tensor"),
        (Inferring, "counter. Its forward uses torch.inference_mode(): use torch.no_grad() there"),
    ],
)
def test_the_advice_is_of_the_error(model, advice):
    with pytest.raises(ValueError, match=rf"cannot run on .*{re.escape(advice)}") as caught:
        trace(model().eval(), (3, 16, 16))
    assert "input_shape" not in str(caught.value)


class Normalising(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nets.plain()

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x.sub_(0.5).div_(0.25))


def test_a_model_that_changes_its_input_is_refused():
    with pytest.raises(ValueError, match=r"changes its input in place .*\(x = x - mean\)"):
        trace(Normalising().eval(), (3, 8, 8))
