"""Batches run interleaved: models that keep maps where another batch overwrites them are refused."""

from __future__ import annotations

import forms
import nets
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from patternlite.pruning import PruneConfig, prune
from patternlite.pruning.model.graph import trace
from patternlite.pruning.model.walk import require_own_maps
from patternlite.pruning.sources import draw

SHAPE = (3, 16, 16)


class Unet(nn.Module):
    """Joins what it reads on the way down with what it makes on the way up."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.up = forms.unit(3, 8), forms.unit(16, 8)
        self.middle = nn.Sequential(forms.unit(8, 8, stride=2), forms.unit(8, 8))
        self.extra()

    def extra(self) -> None:
        pass

    def forward(self, x: Tensor) -> Tensor:
        return self.join(x := self.down(x), self.middle(x))

    def join(self, x: Tensor, y: Tensor) -> Tensor:
        return self.up(torch.cat([F.interpolate(y, scale_factor=2.0), x], 1)).mean((2, 3))


class Kept(Unet):
    def forward(self, x: Tensor) -> Tensor:
        self.skip = self.down(x)
        y = self.middle(self.skip)
        return self.join(self.skip, y)


class Hooked(Unet):
    """As fastai's DynamicUnet."""

    def extra(self) -> None:
        self.down.register_forward_hook(lambda _module, _inputs, output: self.stored.__setitem__(0, output))
        self.stored: dict[int, Tensor] = {}

    def forward(self, x: Tensor) -> Tensor:
        y = self.middle(self.down(x))
        return self.join(self.stored[0], y)


class Stacked(Unet):
    def forward(self, x: Tensor) -> Tensor:
        self.skips: list[Tensor] = []
        self.skips.append(self.down(x))
        y = self.middle(self.skips[-1])
        return self.join(self.skips.pop(), y)


class Cleared(Unet):
    """Whose map is gone where another batch was done with it."""

    def forward(self, x: Tensor) -> Tensor:
        self.skip: Tensor | None = self.down(x)
        y = self.middle(self.skip)
        x, self.skip = self.skip, None
        return self.join(x, y)


class Counted(Unet):
    """Keeps how many images there are, alike in all batches but the last."""

    def forward(self, x: Tensor) -> Tensor:
        self.images = len(x)
        x = self.down(x)
        y = self.middle(x)
        mean = y.view(self.images, 8, -1).mean(2)
        return self.join(x, y * mean.view(self.images, 8, 1, 1))


class KeptForTheHead(Unet):
    """No layer that is pruned reads it."""

    def extra(self) -> None:
        self.up = nn.Conv2d(16, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        self.skip = self.down(x)
        y = self.middle(self.skip)
        return self.join(self.skip, y)


class Random(Unet):
    def join(self, x: Tensor, y: Tensor) -> Tensor:
        return super().join(F.dropout(x, 0.5), y)


class Masked(Unet):
    def join(self, x: Tensor, y: Tensor) -> Tensor:
        return super().join(x, y).index_fill(1, torch.tensor([2]), -torch.inf)


class MaskedAndKept(Kept, Masked):
    pass


class Paired(Unet):
    """Every two images are of one scene, seen from left and right."""

    def join(self, x: Tensor, y: Tensor) -> Tensor:
        pairs = y.view(-1, 2, *y.shape[1:])
        return super().join(x, pairs.flip(1).flatten(0, 1))


class OfTwo(Unet):
    """Takes two images and no others."""

    def join(self, x: Tensor, y: Tensor) -> Tensor:
        return super().join(x, y.view(2, 8, 8, 8))


class Turning(Unet):
    """Runs its layers in an order that the images decide."""

    def extra(self) -> None:
        self.others = nn.ModuleList(forms.unit(8, 8) for _ in "ab")

    def forward(self, x: Tensor) -> Tensor:
        first, second = self.others if x.mean() > 0 else reversed(self.others)
        return second(first(self.down(x))).mean((2, 3))


def test_another_path_for_other_images_is_told_as_such():
    model = forms.settled(Turning(), SHAPE)
    batches = [torch.full((2, *SHAPE), value) for value in (1.0, -1.0)]
    with pytest.raises(ValueError, match="takes another path for other images"):
        require_own_maps(model, trace(model, SHAPE).sites, batches)


def check(model: nn.Module) -> None:
    forms.settled(model, SHAPE)
    images = (draw("mix", 6, SHAPE, 0, "test") - 0.5) / 0.25
    require_own_maps(model, trace(model, SHAPE).sites, list(images.split(4)))


@pytest.mark.parametrize("model", [Kept, Hooked, Stacked, Cleared, MaskedAndKept])
def test_maps_kept_between_calls_are_refused(model):
    with pytest.raises(ValueError, match=r"keeps maps between calls .* pass them on as local variables"):
        check(model())


@pytest.mark.parametrize(
    "model", [Unet, KeptForTheHead, Random, Masked, nets.Tiny, forms.resnet18, forms.Yolo]
)
def test_models_that_read_maps_of_their_own_batch_are_not_refused(model):
    network = model()
    check(network)
    assert not any(module._forward_pre_hooks for module in network.modules())


CONFIG = PruneConfig(rate=2.25, images=64, refine_steps=0, distill_steps=0, mean=(0.5,) * 3, std=(0.25,) * 3)


def test_a_run_tries_batches_of_unequal_numbers():
    with pytest.raises(ValueError, match="keeps maps between calls"):
        prune(forms.settled(Counted(), SHAPE), SHAPE, CONFIG)


def test_a_model_that_takes_pairs_of_images_is_pruned():
    prune(forms.settled(Paired(), SHAPE), SHAPE, CONFIG)


def test_a_model_of_one_number_of_images_is_told_what_it_needs():
    model = OfTwo()
    model.eval()
    with pytest.raises(ValueError, match=r"cannot run on batches of 4 and 2 images \(.*\): it has to take"):
        prune(model, SHAPE, CONFIG)
