"""Verification must notice what a converter could do wrong."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from patternlite.pruning.convert import ConversionError
from patternlite.pruning.convert.verify import TOLERANCE, Probe, compare, probe_module


def probe(outputs: np.ndarray, zeros: list[np.ndarray] | None = None) -> Probe:
    return Probe(np.zeros((len(outputs), 1, 1, 2, 2), np.float32), outputs, zeros or [])


@pytest.fixture
def outputs() -> np.ndarray:
    return np.random.default_rng(1).standard_normal((3, 1, 10)).astype(np.float32)


@pytest.fixture
def zeros() -> list[np.ndarray]:
    rng = np.random.default_rng(2)
    return [rng.random(shape) < 0.5 for shape in ((8, 4, 3, 3), (8, 4, 3, 3), (6, 8, 1, 1), (8, 1, 3, 3))]


def test_the_error_is_relative_to_the_output_range(outputs: np.ndarray) -> None:
    changed = outputs.copy()
    changed[2, 0, 3] += 0.5 * TOLERANCE * float(np.ptp(outputs))
    assert compare(probe(outputs), probe(changed)).max_relative_error == pytest.approx(5e-5, rel=0.01)
    changed[2, 0, 3] += TOLERANCE * float(np.ptp(outputs))
    with pytest.raises(ConversionError, match=r"1\.50e-04 of the output range, allowed 1e-04"):
        compare(probe(outputs), probe(changed))


def test_an_answer_of_zeros_is_kept_to(outputs: np.ndarray) -> None:
    nothing = np.zeros_like(outputs)
    assert compare(probe(nothing), probe(nothing)).max_relative_error == 0
    with pytest.raises(ConversionError, match="largest error inf of the output range"):
        compare(probe(nothing), probe(nothing + 1e-5))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_infinity_never_pass(outputs: np.ndarray, bad: float) -> None:
    changed = outputs.copy()
    changed[0, 0, 0] = bad
    with pytest.raises(ConversionError):
        compare(probe(outputs), probe(changed))
    with pytest.raises(ConversionError, match="source model returns NaN or infinity"):
        compare(probe(changed), probe(changed))


def test_a_changed_shape_is_named(outputs: np.ndarray) -> None:
    with pytest.raises(ConversionError, match=r"changed from \(1, 10\) to \(1, 9\)"):
        compare(probe(outputs), probe(outputs[:, :, :9]))


def test_image_outputs_may_be_nhwc() -> None:
    nchw = np.random.default_rng(3).standard_normal((3, 1, 4, 5, 6)).astype(np.float32)
    nhwc = nchw.transpose(0, 1, 3, 4, 2)
    assert compare(probe(nchw), probe(nhwc)).max_relative_error == 0
    with pytest.raises(ConversionError, match="computes something else"):
        compare(probe(nchw), probe(nhwc[..., ::-1]))


def test_constant_outputs_are_comparable() -> None:
    constant = np.full((3, 1, 1), 2.0, np.float32)
    assert compare(probe(constant), probe(constant)).max_relative_error == 0
    with pytest.raises(ConversionError):
        compare(probe(constant), probe(constant + 0.1))


def test_zeros_are_found_in_any_order(outputs: np.ndarray, zeros: list[np.ndarray]) -> None:
    check = compare(probe(outputs, zeros), probe(outputs, [np.zeros((2, 3, 1, 1), bool), *zeros[::-1]]))
    assert check.convs_checked == 4
    assert check.zeros_checked == sum(int(z.sum()) for z in zeros)


@pytest.mark.parametrize("change", ["lost", "gained", "moved", "no conv", "used twice"])
def test_damaged_zeros_are_noticed(outputs: np.ndarray, zeros: list[np.ndarray], change: str) -> None:
    damaged = [z.copy() for z in zeros]
    flat = damaged[1].reshape(-1)
    if change in ("lost", "moved"):
        flat[np.flatnonzero(flat)[5]] = False
    if change in ("gained", "moved"):
        flat[np.flatnonzero(~flat)[7]] = True
    if change == "no conv":
        del damaged[1]
    if change == "used twice":
        damaged[1] = damaged[0].copy()
    with pytest.raises(ConversionError, match=r"zeros of 1 of 4 pruned .* weights \(8, 4, 3, 3\)"):
        compare(probe(outputs, zeros), probe(outputs, damaged))


def test_a_folded_scale_of_zero_may_remove_filters(outputs: np.ndarray, zeros: list[np.ndarray]) -> None:
    folded = [z.copy() for z in zeros]
    folded[0][3] = True
    assert compare(probe(outputs, zeros), probe(outputs, folded)).convs_checked == 4


def test_a_folded_convolution_is_not_taken_for_one_whose_zeros_are_there(
    outputs: np.ndarray, zeros: list[np.ndarray]
) -> None:
    other = zeros[0].copy()
    other[3] ^= True
    folded = other.copy()
    folded[3] = True
    check = compare(probe(outputs, [zeros[0], other]), probe(outputs, [folded, zeros[0]]))
    assert check.convs_checked == 2


def test_a_convolution_may_become_one_per_group_or_multiplier(
    outputs: np.ndarray, zeros: list[np.ndarray]
) -> None:
    split = [*np.split(zeros[0], 2), zeros[1], zeros[2], zeros[3][0::2], zeros[3][1::2]]
    assert compare(probe(outputs, zeros), probe(outputs, split)).convs_checked == 4
    with pytest.raises(ConversionError):
        compare(probe(outputs, zeros), probe(outputs, split[1:]))


def test_dense_convolutions_are_not_counted(outputs: np.ndarray) -> None:
    zeros = np.zeros((8, 4, 3, 3), bool)
    zeros.reshape(-1)[:28] = True  # 9.7 %
    assert compare(probe(outputs, [zeros]), probe(outputs, [])).convs_checked == 0
    zeros.reshape(-1)[28] = True  # 10.1 %
    assert compare(probe(outputs, [zeros]), probe(outputs, [zeros])).convs_checked == 1
    with pytest.raises(ConversionError, match="zeros of 1 of 1"):
        compare(probe(outputs, [zeros]), probe(outputs, [~zeros]))


def test_modules_are_probed_as_they_run() -> None:
    shared = nn.Conv2d(4, 4, 1)
    model = nn.Sequential(nn.Conv2d(3, 4, 1), shared, nn.ReLU(), shared)
    model.unused = nn.Identity()
    with torch.no_grad():
        shared.weight[0] = 0
    found = probe_module(model.eval(), (1, 3, 4, 4))
    assert [z.shape for z in found.zeros] == [(4, 3, 1, 1), (4, 4, 1, 1), (4, 4, 1, 1)]
    assert found.zeros[1][0].all()
    assert not found.zeros[1][1:].any()
    assert not any(layer._forward_hooks for layer in model)
    expected = model(torch.from_numpy(found.inputs[1])).detach().numpy()
    np.testing.assert_array_equal(found.outputs[1], expected)
