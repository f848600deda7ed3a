"""Models that cannot be pruned are refused, with what to do about it."""

from __future__ import annotations

import threading

import nets
import pytest
import torch
from torch import nn

from patternlite.pruning import PruneConfig, checks, prune

QUICK = {"images": 64, "refine_steps": 0, "distill_steps": 0, "mean": (0.5,) * 3, "std": (0.25,) * 3}


def locked() -> nn.Module:
    model = nets.plain()
    model.lock = threading.Lock()
    return model


@pytest.mark.filterwarnings("ignore:`torch")  # not what they were, but users still have them
@pytest.mark.parametrize(
    ("model", "shape", "message"),
    [
        (lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 1)), (3, 8, 8), "nothing to prune"),
        (lambda: nn.Flatten(), (3, 8, 8), r"no nn\.Conv2d module\. One that torch\.export made"),
        (nets.plain, (3, 8.5, 8), r"input_shape is 8\.5: it must be a whole number"),
        (nets.plain, 8, r"input_shape is \(channels, height, width\), not \(8,\)"),
        (nets.plain, (3, 8), r"input_shape is \(channels, height, width\)"),
        (nets.plain, (1, 8, 8), "mean and std have 3 channels"),
        (lambda: nets.plain().half(), (3, 8, 8), "float16"),
        (lambda: torch.compile(nets.plain()), (3, 8, 8), "give the one that it was made from"),
        (
            lambda: nn.Sequential(nets.plain(), torch.compile(nn.Linear(4, 4))),
            (3, 8, 8),
            "give the one that it was made from",
        ),
        (lambda: torch.jit.script(nets.plain()), (3, 8, 8), "give the one that it was made from"),
        (
            lambda: nn.Sequential(nn.LazyConv2d(4, 3)),
            (3, 8, 8),
            "0.weight is not initialised: run the model once",
        ),
        (lambda: nets.plain().to("meta"), (3, 8, 8), "0.weight is on the meta device"),
        (
            lambda: nn.Sequential(nn.utils.weight_norm(nn.Conv2d(3, 4, 3)), nets.plain()),
            (3, 8, 8),
            r"the model cannot be copied .*: use torch\.nn\.utils\.parametrizations in place of weight_norm",
        ),
        (locked, (3, 8, 8), r"the model cannot be copied .*: take out of it what copy\.deepcopy cannot copy"),
    ],
)
def test_models_it_cannot_prune_are_refused(model, shape, message):
    with pytest.raises(ValueError, match=message):
        prune(model(), shape, PruneConfig(rate=4.0, **QUICK))


def test_of_many_convolutions_that_stay_dense_only_some_are_told():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), *(nn.Conv2d(4, 4, 1) for _ in range(90)))
    with pytest.raises(ValueError, match=r"first convolution\), 1 \(1x1\), .* 7 \(1x1\), and 83 more$"):
        prune(model, (3, 8, 8), PruneConfig(rate=4.0, **QUICK))


def test_a_device_of_another_kind_is_refused(monkeypatch):
    monkeypatch.setattr(checks, "device_of", lambda _model: torch.device("mps"))
    with pytest.raises(ValueError, match=r"^the model is on mps: prune it on the CPU \(model\.cpu\(\)\)$"):
        prune(nets.plain(), (3, 12, 12), PruneConfig(rate=4.0, **QUICK))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_damaged_weights_are_named(value):
    model = nets.plain()
    model[3].weight.data[0, 0, 0, 0] = value
    with pytest.raises(ValueError, match=r"3\.weight holds NaN or infinity"):
        prune(model, (3, 12, 12), PruneConfig(rate=4.0, **QUICK))


def test_a_shape_is_the_same_however_it_is_written(tmp_path):
    """A checkpoint of (3, 12, 12) is gone on with."""
    config = PruneConfig(rate=3.0, **QUICK)
    torch.manual_seed(0)
    model = nets.plain()
    one = prune(model, (3, 12, 12), config, checkpoint=tmp_path)
    seen: set[str] = set()
    other = prune(model, [3, 12.0, 12], config, lambda what, _: seen.add(what), tmp_path)
    assert "draw" not in seen
    assert one.masks.digest() == other.masks.digest()
