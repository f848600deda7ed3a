"""What models do with their tensors that is easily taken for something else."""

from __future__ import annotations

from dataclasses import dataclass

import forms
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from patternlite.pruning import PruneConfig, prune
from patternlite.pruning.model.graph import trace
from patternlite.pruning.model.outputs import tensors_of
from patternlite.pruning.model.walk import walk

SHAPE = (3, 16, 16)
QUICK = {"images": 64, "refine_steps": 0, "distill_steps": 0, "mean": (0.5,) * 3, "std": (0.25,) * 3}


class LinearEnd(nn.Module):
    """The sum's operand `x` is a linear end, and what the branch reads: it must be pruned before that."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = forms.unit(3, 8)
        self.end = forms.unit(8, 8, act=None)
        self.branch = nn.Sequential(forms.unit(8, 8, 1), nn.Conv2d(8, 8, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = self.end(self.stem(x))
        return x + self.branch(x)


class Dropped(nn.Module):
    """Between the end and the sum is a dropout, which does nothing; and the end is asked for its shape."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = forms.unit(3, 8)
        self.end = nn.Sequential(forms.unit(8, 8, act=None), nn.Dropout2d(0.5))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        y = self.end(x)
        return y + x[:, :, : y.shape[2]]


class PreActivated(nn.Module):
    """Norms before convolutions, maps joined as in DenseNet; only `wide` has a norm of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.before = nn.BatchNorm2d(8)
        self.wide = nn.Conv2d(8, 16, 3, padding=1, bias=False)
        self.between = nn.BatchNorm2d(16)
        self.grow = nn.Conv2d(16, 8, 3, padding=1, bias=False)
        self.joined = nn.BatchNorm2d(16)
        self.last = nn.Conv2d(16, 8, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        y = self.grow(torch.relu(self.between(self.wide(torch.relu(self.before(x))))))
        return self.last(torch.relu(self.joined(torch.cat([x, y], 1))))


class Tapped(nn.Module):
    """What `conv` makes goes to its norm, and as it is to the sum: the norm cannot make up for its errors."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = forms.unit(3, 8)
        self.conv, self.norm = nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(self.stem(x))
        return torch.relu(self.norm(y)) + y


def added(y: Tensor, x: Tensor) -> Tensor:
    y += x
    return y


def added_as_a_statement(y: Tensor, x: Tensor) -> Tensor:
    y.add_(x)
    return y


def added_to_the_shortcut(y: Tensor, x: Tensor) -> Tensor:
    x.add_(y)
    return x


class Summed(nn.Module):
    """A residual branch, its sum as `add` writes it, and a layer that reads it."""

    def __init__(self, add=torch.add) -> None:
        super().__init__()
        self.stem, self.branch = forms.unit(3, 8), forms.unit(8, 8, act=None)
        self.last = forms.unit(8, 8)
        self.add = add

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return self.last(torch.relu(self.add(self.branch(x), x)))


class Overwritten(nn.Module):
    """What the branch has read is something else by the time of the sum."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.branch = forms.unit(3, 8, act=None), forms.unit(8, 8, act=None)
        self.last = forms.unit(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        y = self.branch(x)
        x.relu_().mul_(0.3)
        return self.last(torch.relu(y + x))


class Activated(nn.BatchNorm2d):
    """timm's: the activation is within the norm."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(super().forward(x))


class Centred(nn.BatchNorm2d):
    """Keeps gamma - 1, so that weight decay pulls gamma to one."""

    def forward(self, x: Tensor) -> Tensor:
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight + 1, self.bias, eps=self.eps)


class Doubled(nn.Module):
    """A sum of a map with itself ends no branch."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.last = nn.Sequential(forms.unit(3, 8), forms.unit(8, 8, act=None)), forms.unit(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        y = self.body(x)
        return self.last(y + y)


def made(model: type) -> nn.Module:
    torch.manual_seed(0)
    return forms.settled(model(), SHAPE)


@pytest.mark.parametrize(
    ("model", "sites"),
    [
        (LinearEnd, {"end.0": (True, False)}),
        (Dropped, {"end.0.0": (True, True)}),
        (PreActivated, {"wide": (True, False), "grow": (False, False), "last": (False, False)}),
        (Tapped, {"conv": (False, False)}),
        (Summed, {"branch.0": (True, True), "last.0": (True, False)}),
        (Overwritten, {"branch.0": (True, False), "last.0": (True, False)}),
        (Doubled, {"body.1.0": (True, False), "last.0": (True, False)}),
    ],
)
def test_norms_and_branch_ends_are_told_apart(model, sites):
    found = trace(made(model), SHAPE).sites
    assert {site.name: (site.norm is not None, site.residual) for site in found} == sites


@pytest.mark.parametrize("model", [LinearEnd, Dropped, PreActivated, Tapped, Summed, Overwritten, Doubled])
def test_pruned_models_with_such_branches_answer_nearly_as_before(model):
    network = made(model)
    result = prune(network, SHAPE, PruneConfig(rate=2.25, **QUICK))
    result.masks.verify(result.model)
    assert result.report.fidelity.relative_error < 0.5


@pytest.mark.parametrize("norm", [Activated, Centred])
def test_a_norm_with_a_forward_of_its_own_is_relied_on_for_its_statistics_alone(norm):
    network, own = made(Summed), norm(8).eval()
    own.load_state_dict(network.branch[1].state_dict())
    nn.init.normal_(own.weight, std=0.1)
    network.branch[1] = own
    site = trace(network, SHAPE).sites[0]
    assert (site.norm, site.residual, site.activation) == (own, False, None)
    assert (site.gain == 1).all()
    assert prune(network, SHAPE, PruneConfig(rate=2.25, **QUICK)).report.fidelity.relative_error < 0.5


@pytest.mark.parametrize("add", [added, added_as_a_statement, added_to_the_shortcut])
def test_a_sum_is_pruned_alike_however_it_is_written(add):
    found = [
        prune(made(lambda how=how: Summed(how)), SHAPE, PruneConfig(rate=4.0, **QUICK))
        for how in (torch.add, add)
    ]
    state = found[1].model.state_dict()
    assert all(torch.equal(value, state[key]) for key, value in found[0].model.state_dict().items())


@torch.no_grad()
def test_what_a_branch_reads_is_pruned_before_it():
    model, x = made(LinearEnd), torch.randn(4, *SHAPE)
    kinds = ("3x3", "1x1")
    sites = trace(model, SHAPE, ("branch.1",), kinds).sites
    assert [(site.name, site.residual) for site in sites] == [("end.0", False), ("branch.0.0", False)]
    inputs = {}
    for visit in walk(model, sites, [x]):
        inputs[visit.site.name] = visit.inputs[0]
        visit.site.conv.weight.mul_(0.5)
    torch.testing.assert_close(inputs["branch.0.0"], model.end(model.stem(x)))


class Returns(nn.Module):
    def __init__(self, make) -> None:
        super().__init__()
        self.body, self.make = nn.Sequential(forms.unit(3, 8), forms.unit(8, 8)), make

    def forward(self, x: Tensor) -> object:
        return self.make(self.body(x))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda y: (y, "map"), "the model returns a str: return tensors, or lists, tuples, dicts and data"),
        (lambda y: None, "the model returns no tensor"),
        (
            lambda y: {"map": y, "loss": y.mean()},
            r"returns \(\) for 2 images: each tensor must have a row for",
        ),
        (lambda y: [y, torch.zeros(1, 4)], r"returns \(1, 4\) for 2 images"),
    ],
)
def test_answers_that_cannot_be_compared_are_refused_at_once(make, message):
    told = []
    with pytest.raises(ValueError, match=message):
        prune(Returns(make), SHAPE, PruneConfig(rate=2.25, **QUICK), lambda *step: told.append(step))
    assert not told


@dataclass
class Answer:
    logits: Tensor
    loss: Tensor | None = None


@pytest.mark.parametrize("make", [lambda y: (y, None), Answer, lambda y: {"all": [Answer(y)]}])
def test_answers_are_found_in_what_models_return(make):
    y = torch.zeros(2, 4)
    assert [found is y for found in tensors_of(make(y))] == [True]


def test_where_nothing_can_be_pruned_the_kinds_that_could_be_are_named():
    with pytest.raises(ValueError, match=r"give kinds=\('depthwise', '1x1'\): 0\.0 \(3x3\), 1"):
        prune(forms.mobilenetv2(), (3, 32, 32), PruneConfig(rate=2.25, kinds=("5x5",), **QUICK))


class Twins(forms.Odd):
    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) - self.body(x.flip(3))


def test_where_all_is_used_twice_the_way_to_prune_it_is_named():
    with pytest.raises(ValueError, match=r"but the first; prune a part that is used several times by itself"):
        prune(Twins(), SHAPE, PruneConfig(rate=2.25, **QUICK))
    result = prune(forms.settled(Twins().body, SHAPE), SHAPE, PruneConfig(rate=2.25, **QUICK))
    assert list(result.masks) == ["1.0"]


@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")
def test_weights_that_are_computed_stay_dense():
    model = nn.Sequential(forms.unit(3, 8), forms.unit(8, 8), forms.unit(8, 8)).eval()
    nn.utils.weight_norm(model[1][0])
    with torch.no_grad():
        found = trace(model, SHAPE)
    assert found.dense["1.0"] == "its weight is computed (remove_parametrizations first)"
    assert [site.name for site in found.sites] == ["2.0"]


class Standardised(nn.Conv2d):
    """Computes its weights on the way, as torchvision's and timm's do."""

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        return self._conv_forward(x, weight, self.bias)


def test_convolutions_with_a_forward_of_their_own_stay_dense():
    model = nn.Sequential(forms.unit(3, 8), Standardised(8, 8, 3, padding=1), forms.unit(8, 8)).eval()
    found = trace(model, SHAPE)
    assert found.dense["1"] == "not a plain Conv2d (Standardised)"
    assert [site.name for site in found.sites] == ["2.0"]
