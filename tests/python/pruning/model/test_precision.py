"""Half precision is used where the processor multiplies it fast and a step asks for it, and nowhere else."""

import warnings

import forms
import pytest
import torch
from torch import Tensor

from patternlite.pruning import PruneConfig, prune
from patternlite.pruning.config import RetrainConfig
from patternlite.pruning.model.precision import exact, half, laid_out
from patternlite.pruning.retrain import retrain


@pytest.mark.parametrize(
    ("can", "fast"),
    [
        ({"avx512_bf16": True, "cpu_name": "AMD EPYC 9B14"}, True),
        ({"avx512_bf16": True, "cpu_name": "Intel Xeon"}, False),
        ({"avx512_bf16": True, "amx_bf16": True, "cpu_name": "Intel Xeon"}, True),
        ({"avx512_bf16": True}, True),
        ({"avx512_bf16": False, "cpu_name": "AMD EPYC 7B13"}, False),
    ],
)
def test_products_are_bfloat16_where_the_cpu_multiplies_more_of_it(monkeypatch, can, fast):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: can)
    x = torch.ones(2, 2)
    with half(x.device):
        assert (x @ x).dtype == (torch.bfloat16 if fast else torch.float32)
    assert (x @ x).dtype == torch.float32


def test_a_processor_torch_knows_nothing_of_keeps_float32(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    with half(torch.device("cpu")):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


@pytest.mark.parametrize("known", [True, False])
def test_older_versions_of_torch_are_asked_otherwise_or_not_at_all(monkeypatch, known):
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.delattr(torch.cpu, name, raising=False)
        if known:
            monkeypatch.setattr(torch.cpu, name, lambda: True, raising=False)
    layer = torch.nn.Conv2d(2, 2, 3, padding=1, bias=False)
    with half(torch.device("cpu")):
        y = layer(torch.ones(1, 2, 4, 4))
    assert y.dtype == (torch.bfloat16 if known else torch.float32)
    assert (type(y.grad_fn).__name__ == "_ConvolutionBackward") == known


@pytest.mark.parametrize("allowed", [True, False])
@pytest.mark.parametrize("tiles", [True, False])
def test_small_maps_are_products_where_the_cpu_has_tiles(monkeypatch, tiles, allowed):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True, "amx_bf16": tiles})
    layer = torch.nn.Conv2d(2, 2, 3, padding=1, bias=False)
    with half(torch.device("cpu"), allowed):
        y = layer(torch.ones(1, 2, 4, 4))
    assert y.dtype == (torch.bfloat16 if allowed else torch.float32)
    assert (type(y.grad_fn).__name__ == "_ConvolutionBackward") == (tiles and allowed)


def test_a_step_sees_the_weights_that_the_one_before_made(monkeypatch):
    """Within another autocast torch keeps what it made of them."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    layer, x, answers = torch.nn.Linear(2, 2, bias=False), torch.ones(1, 2), []
    with torch.autocast("cpu", torch.bfloat16):
        for _ in range(2):
            with half(x.device):
                answers.append(layer(x).detach())
            layer.weight.data.mul_(2)
    assert torch.equal(2 * answers[0], answers[1])


class Averaged(forms.Odd):
    def forward(self, x: Tensor) -> Tensor:
        return self.changed(self.body(x)).mean((2, 3))

    def changed(self, y: Tensor) -> Tensor:
        return y


class Spectral(Averaged):
    def changed(self, y: Tensor) -> Tensor:
        return torch.complex(y, y).real


class Written(Averaged):
    def changed(self, y: Tensor) -> Tensor:
        positive = torch.zeros(y.shape)
        positive[y > 0] = y[y > 0]
        return positive


@pytest.mark.parametrize(("model", "low"), [(Averaged, True), (Spectral, False), (Written, False)])
def test_models_that_do_not_run_in_bfloat16_learn_in_float32(monkeypatch, model, low):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    shape, unit = (3, 16, 16), {"mean": (0.5,) * 3, "std": (0.25,) * 3}
    dense = forms.settled(model(), shape)
    with laid_out(shape, Averaged().eval(), dense) as form:
        assert form.low == low
    found = prune(dense, shape, PruneConfig(rate=2.25, images=64, refine_steps=1, distill_steps=1, **unit))
    pixels, labels = torch.randint(256, (8, *shape), dtype=torch.uint8), torch.arange(8)
    for teacher in (None, dense):
        config = RetrainConfig(epochs=1, **unit)
        retrain(found.model, found.masks, pixels, labels, config, lambda *_: None, dense=teacher)


@pytest.mark.skipif(not hasattr(torch.backends, "fp32_precision"), reason="torch has the flags from 2.9 on")
def test_products_are_exact_where_torchs_newer_flags_allow_others():
    flags, convolutions = torch.backends.mkldnn.matmul, torch.backends.cudnn.conv
    before, flags.fp32_precision = flags.fp32_precision, "bf16"
    also = convolutions.fp32_precision
    try:
        with exact():
            assert flags.fp32_precision == convolutions.fp32_precision == "ieee"
        assert flags.fp32_precision == "bf16"
        assert convolutions.fp32_precision == also
    finally:
        flags.fp32_precision = before


@pytest.mark.parametrize("allowed", [True, False])
def test_so_are_the_convolutions_of_gpus(allowed):
    before, torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.allow_tf32, allowed
    try:
        with exact():
            assert not torch.backends.cudnn.allow_tf32
        assert torch.backends.cudnn.allow_tf32 == allowed
    finally:
        torch.backends.cudnn.allow_tf32 = before


def test_torchs_advice_on_its_flags_is_not_for_callers(monkeypatch):
    def ask() -> str:
        warnings.warn("Please use the new API settings to control TF32 behavior, such as ...", stacklevel=2)
        return "highest"

    monkeypatch.setattr(torch, "get_float32_matmul_precision", ask)  # as of torch 2.9
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with exact():
            pass


def test_what_float32_may_be_multiplied_in_around_it_changes_nothing(trained_model, result, config):
    within = set()

    def look(*_: object) -> None:
        within.add(torch.get_float32_matmul_precision())

    torch.set_float32_matmul_precision("medium")
    try:
        other = prune(trained_model, (3, 16, 16), config, look)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")
    assert within == {"highest"}
    assert other.masks.digest() == result.masks.digest()
    assert other.report.fidelity == result.report.fidelity
