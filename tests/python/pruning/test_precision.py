"""Half precision is used where the processor multiplies it fast, and nowhere else."""

import pytest
import torch

from patternlite.pruning.precision import half


@pytest.mark.parametrize("fast", [True, False])
def test_products_are_bfloat16_where_the_cpu_has_instructions_for_it(monkeypatch, fast):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": fast})
    x = torch.ones(2, 2)
    with half(x.device):
        assert (x @ x).dtype == (torch.bfloat16 if fast else torch.float32)
    assert (x @ x).dtype == torch.float32


def test_a_processor_torch_knows_nothing_of_keeps_float32(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    with half(torch.device("cpu")):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
