"""Models run to their layers and on: what a walk sees, and how it ends."""

from __future__ import annotations

import copy
import threading

import forms
import nets
import pytest
import torch
from torch import Tensor, nn

from patternlite.pruning.model.graph import trace
from patternlite.pruning.model.walk import walk


def test_a_walk_sees_what_the_forward_pass_computes(trained_model):
    model = trained_model
    sites = trace(model, (3, 16, 16)).sites
    x = nets.textures(10, 5)[0]
    block = model.blocks[0]
    with torch.no_grad():
        stem = torch.relu(model.norm(model.stem(x)))
        middle = torch.relu(block.bn1(block.conv1(stem)))
        shortcut = block.shortcut(stem)
    visits = {v.site.name: v for v in walk(model, sites, list(x.split(4)))}
    assert list(visits) == [site.name for site in sites]
    torch.testing.assert_close(torch.cat(visits["blocks.0.conv1"].inputs), stem)
    torch.testing.assert_close(torch.cat(visits["blocks.0.conv2"].inputs), middle)
    torch.testing.assert_close(torch.cat(visits["blocks.0.conv2"].others), shortcut)
    assert visits["blocks.0.conv1"].others is None


def test_weights_changed_on_a_walk_run_at_once(trained_model):
    model = copy.deepcopy(trained_model)
    sites = trace(model, (3, 16, 16)).sites
    x = nets.textures(6, 5)[0]
    visits = {}
    for visit in walk(model, sites, [x[:4], x[4:]]):
        visits[visit.site.name] = visit
        with torch.no_grad():
            visit.site.conv.weight.mul_(0.5)
    again = {v.site.name: v for v in walk(model, sites, [x])}
    for name, visit in visits.items():
        torch.testing.assert_close(torch.cat(visit.inputs), again[name].inputs[0])


def test_a_walk_leaves_nothing_behind(trained_model):
    model = trained_model
    sites = trace(model, (3, 16, 16)).sites
    threads = threading.active_count()
    visits = walk(model, sites, [torch.zeros(2, 3, 16, 16)] * 2)
    next(visits)
    visits.close()
    assert threading.active_count() == threads
    assert all(not m._forward_hooks and not m._forward_pre_hooks for m in model.modules())
    with pytest.raises(RuntimeError, match="channels"):
        list(walk(model, sites, [torch.zeros(2, 5, 16, 16)]))


class Undeterred(nn.Module):
    """Catches whatever happens in a layer, and goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(forms.unit(inputs, 8) for inputs in (3, 8, 8))

    def forward(self, x: Tensor) -> Tensor:
        x = self.layers[0](x)
        try:
            x = self.layers[1](x)
        except:  # noqa: E722
            x = x * 0
        return self.layers[2](x)


def test_a_walk_ends_though_the_model_catches_everything():
    model = Undeterred().eval()
    visits = walk(model, trace(model, (3, 8, 8)).sites, [torch.zeros(2, 3, 8, 8)])
    next(visits)
    closing = threading.Thread(target=visits.close, daemon=True)
    closing.start()
    closing.join(20)
    assert not closing.is_alive()


class Capricious(nn.Module):
    """Its layers' order depends on the image."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = forms.unit(3, 8)
        self.layers = nn.ModuleList([forms.unit(8, 8), forms.unit(8, 8)])

    def forward(self, x: Tensor) -> Tensor:
        first = int(x.sum() > 0)
        return self.layers[1 - first](self.layers[first](self.stem(x)))


class Leaving(Capricious):
    """Leaves its last layer out, for some images."""

    def forward(self, x: Tensor) -> Tensor:
        y = self.layers[0](self.stem(x))
        return y if x.sum() > 0 else self.layers[1](y)


@pytest.mark.parametrize("kind", [Capricious, Leaving])
def test_a_model_that_takes_another_path_for_other_images_is_refused(kind):
    model = kind().eval()
    sites = trace(model, (3, 8, 8)).sites
    with pytest.raises(ValueError, match="takes another path for other images"):
        list(walk(model, sites, [torch.zeros(2, 3, 8, 8), torch.ones(2, 3, 8, 8)]))
