"""Models make tensors where they are, and need not say so; what is drawn for pruning is drawn on the CPU."""

from __future__ import annotations

from typing import ClassVar

import forms
import torch
from torch import Tensor
from torch.overrides import _get_current_function_mode_stack
from torch.utils._device import DeviceContext

from patternlite.pruning import PruneConfig, prune
from patternlite.pruning.model.graph import trace
from patternlite.pruning.model.walk import walk

SHAPE = (3, 16, 16)
CONFIG = PruneConfig(rate=2.25, images=64, refine_steps=2, distill_steps=1, mean=(0.5,) * 3, std=(0.25,) * 3)


class Positions(forms.Odd):
    """Makes a tensor without saying where."""

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x + torch.linspace(0, 1, x.shape[3]))


def test_a_walk_makes_tensors_where_the_model_is():
    model = Positions().eval().to("meta")
    with torch.device("meta"):
        (site,) = trace(model, SHAPE).sites
    (visit,) = walk(model, [site], [torch.zeros(2, *SHAPE, device="meta")])
    assert visit.site is site


class Watched(forms.Odd):
    """Knows whether a device was chosen for it."""

    calls: ClassVar[list[bool]] = []

    def forward(self, x: Tensor) -> Tensor:
        chosen = [mode for mode in _get_current_function_mode_stack() if isinstance(mode, DeviceContext)]
        self.calls.append(bool(chosen) and chosen[-1].device == x.device)
        return self.body(x).mean((2, 3))


def test_no_model_runs_on_a_default_device_that_is_not_its_own():
    model = forms.settled(Watched(), SHAPE)
    Watched.calls.clear()
    prune(model, SHAPE, CONFIG)
    assert len(Watched.calls) > 20
    assert all(Watched.calls)
