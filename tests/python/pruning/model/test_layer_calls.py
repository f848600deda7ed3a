"""How models call their layers: hooks, paddings of their own, activations computed twice, maps returned."""

from __future__ import annotations

import gc
import weakref

import forms
import pytest
import torch
from forms import Odd
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention.flex_attention import flex_attention
from torch.utils.checkpoint import checkpoint

from patternlite.pruning import PruneConfig, prune
from patternlite.pruning.model.graph import trace

SHAPE = (3, 16, 16)
CONFIG = PruneConfig(rate=2.25, images=64, refine_steps=2, distill_steps=0, mean=(0.5,) * 3, std=(0.25,) * 3)


class ScalingHook(Odd):
    """What is solved alone would know nothing of the hook."""

    where = 0

    def extra(self) -> None:
        self.body[1][self.where].register_forward_hook(lambda _module, _inputs, output: output * 0.2)


class ScalingHookOfTheNorm(ScalingHook):
    where = 1


class LookingHook(ScalingHook):
    def extra(self) -> None:
        self.body[1][0].register_forward_hook(lambda _module, _inputs, output: None)


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (ScalingHook, "a hook changes its output"),
        (ScalingHookOfTheNorm, "a hook changes its output"),
        (LookingHook, None),
    ],
)
def test_layers_whose_outputs_a_hook_changes_stay_dense(model, why):
    assert trace(model().eval(), SHAPE).dense.get("body.1.0") == why


class Causal(nn.Conv2d):
    def _conv_forward(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return F.conv2d(F.pad(x, (2, 0, 2, 0)), weight, bias)


def test_convolutions_that_pad_in_their_own_way_stay_dense():
    model = nn.Sequential(forms.unit(3, 8), Causal(8, 8, 3), forms.unit(8, 8)).eval()
    found = trace(model, SHAPE)
    assert found.dense["1"] == "not a plain Conv2d (Causal)"
    assert [site.name for site in found.sites] == ["2.0"]


class ReturnsAMap(Odd):
    """What the user reads, too, is not its norm's alone."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = self.body[1][0](self.body[0](x))
        return y, self.body[1][1:](y)


def test_a_map_that_is_returned_is_read():
    (site,) = trace(ReturnsAMap().eval(), SHAPE).sites
    assert site.norm is None


class ReadOtherwise(Odd):
    """The end of the branch is read by a sum, and by `read`."""

    read = staticmethod(torch.sigmoid)

    def extra(self) -> None:
        self.body[1] = forms.unit(8, 8, act=None)

    def forward(self, x: Tensor) -> Tensor:
        x = self.body[0](x)
        y = self.body[1](x)
        return torch.cat([self.read(y), y + x], 1)


class Filled(ReadOtherwise):
    @staticmethod
    def read(y: Tensor) -> Tensor:
        other = torch.zeros_like(y)
        other[:, :4] = y[:, 4:]
        return other


class FilledWhole(ReadOtherwise):
    @staticmethod
    def read(y: Tensor) -> Tensor:
        other = torch.zeros(len(y), 9, *y.shape[2:])
        other[:, 1:] = y
        return other


@torch.jit.script
def gated(y: Tensor) -> Tensor:
    return y * torch.sigmoid(y)


class Scripted(ReadOtherwise):
    read = staticmethod(gated)


class Measured(ReadOtherwise):
    """Only its shape is read."""

    @staticmethod
    def read(y: Tensor) -> Tensor:
        return torch.zeros(y.shape)


@pytest.mark.parametrize(
    ("model", "uses"), [(ReadOtherwise, 2), (Filled, 2), (FilledWhole, 2), (Scripted, 2), (Measured, 1)]
)
def test_however_a_branch_is_read_it_is_seen(model, uses):
    (site,) = trace(model().eval(), SHAPE).sites
    assert site.residual == (uses == 1)


def test_a_weight_whose_gradient_is_looked_at_is_not_read():
    class Watched(Odd):
        def forward(self, x: Tensor) -> Tensor:
            assert self.body[1][0].weight.grad is None
            return self.body(x)

    assert [site.name for site in trace(Watched().eval(), SHAPE).sites] == ["body.1.0"]


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_attention_that_compiles_itself_is_followed():
    class Attentive(Odd):
        def forward(self, x: Tensor) -> Tensor:
            y = self.body(x).flatten(2).transpose(1, 2)[:, None].contiguous()
            return flex_attention(y, y, y)

    assert [site.name for site in trace(Attentive().eval(), SHAPE).sites] == ["body.1.0"]


def test_a_trace_keeps_no_maps():
    """Nor until the garbage is collected: those of large models fill the memory."""
    model, maps = Odd().eval(), []
    model.body[0][0].register_forward_hook(lambda _module, _inputs, output: maps.append(weakref.ref(output)))
    gc.disable()
    try:
        trace(model, SHAPE)
        assert [ref() for ref in maps] == [None]
    finally:
        gc.enable()


class ComputedTwice(Odd):
    """Keeps no activations, whenever somebody asks for gradients."""

    def forward(self, x: Tensor) -> Tensor:
        return checkpoint(self.body, x, use_reentrant=False) if x.requires_grad else self.body(x)


def test_models_that_compute_activations_again_are_pruned():
    model = forms.settled(ComputedTwice(), SHAPE)
    result = prune(model, SHAPE, CONFIG)
    result.masks.verify(result.model)


@pytest.mark.parametrize(
    ("activation", "same"),
    [
        (nn.ReLU6(), F.relu6),
        (nn.Hardtanh(-0.5, 2.0), lambda y: y.clamp(-0.5, 2.0)),
        (nn.GELU(approximate="tanh"), lambda y: F.gelu(y, approximate="tanh")),
        (nn.GELU(), F.gelu),
    ],
)
def test_activations_are_taken_as_they_are_called(activation, same):
    model = nn.Sequential(forms.unit(3, 8), forms.unit(8, 8, act=lambda: activation), nn.Conv2d(8, 8, 1))
    (site,) = trace(model.eval(), SHAPE).sites
    values = torch.linspace(-8, 8, 99)
    torch.testing.assert_close(site.activation(values), same(values))
