"""The structures that pruning gives are found in the zeros alone, and get the kernel made for them."""

from __future__ import annotations

import numpy as np
import pytest

from patternlite.support.native import load_native
from patternlite.tflite import load_delegate

from .builder import ModelBuilder
from .runtimes import RUNTIMES, Runtime
from .weights import bias_of

torch = pytest.importorskip("torch")

from patternlite.pruning.patterns import candidates  # noqa: E402
from patternlite.pruning.structures import STRUCTURES  # noqa: E402


@pytest.mark.parametrize(
    ("structure", "stride", "kernels"),
    [
        ("free", 1, {"is", "os-g1"}),
        ("c4", 1, {"is", "os-g1"}),
        ("g2", 1, {"os-g2"}),
        ("g4", 1, {"os-g4"}),
        ("g16", 1, {"os-g4", "bc-g16"}),
        ("g16", 2, {"bc-g16"}),
        ("b2", 1, {"os-g2"}),
        ("b4", 1, {"os-g4"}),
        ("b16", 1, {"os-g4", "bc-g16"}),
        ("b16", 2, {"bc-g16"}),
    ],
)
def test_a_pruned_layer_runs_in_the_kernel_of_its_structure(
    rng: np.random.Generator, structure: str, stride: int, kernels: set[str]
) -> None:
    if load_native().current_isa() != "avx512":
        pytest.skip("which kernel is fastest differs with the vectors' width")
    weight = torch.from_numpy(rng.standard_normal((64, 64, 9), np.float32))
    found, library = STRUCTURES[structure], candidates()[::7]
    count = found.count(torch.Size((64, 64, 3, 3)), library, 6.0)
    constraint = found.constraint(count, library, found.order(weight, library))
    pruned = (weight * constraint.project(weight)).reshape(64, 64, 3, 3).permute(0, 2, 3, 1).numpy()
    b = ModelBuilder()
    x = b.input(1, 32, 32, 64)
    model = b.build(b.conv(x, np.ascontiguousarray(pruned), bias_of(rng, 64), stride=stride))
    delegate = load_delegate(tune_budget_ms=0)
    Runtime(RUNTIMES[1]).interpreter(model, delegate).allocate_tensors()
    assert delegate.layers[0]["reason"] == ("pattern" if found.kept == "pattern" else "sparse-kxk")
    assert delegate.layers[0]["kernel"] in kernels
    assert delegate.layers[0]["kept_macs"] == pytest.approx(np.count_nonzero(pruned) * (32 // stride) ** 2)
