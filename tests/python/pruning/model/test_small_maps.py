"""Convolutions of small maps as products: the library's values and gradients, at bfloat16's precision."""

from contextlib import contextmanager

import pytest
import torch
from torch import nn

from patternlite.pruning.model.small_maps import SmallMaps

CASES = [  # kernel, stride, padding; height, width
    ((3, 1, 1), (4, 4)),
    ((3, 1, 1), (2, 3)),
    ((3, 1, 1), (1, 1)),
    ((3, 1, 0), (9, 6)),
    ((3, 2, 1), (7, 8)),
    ((5, 1, 2), (4, 4)),
    ((5, 1, 3), (2, 2)),
    ((2, 2, 0), (8, 6)),
]


@contextmanager
def small_maps():
    with torch.autocast("cpu", torch.bfloat16), SmallMaps():
        yield


def values_and_gradients(layer, x):
    """The layer's output and its gradients, for an output's gradient that is always the same."""
    layer.zero_grad()
    x = x.clone().requires_grad_()
    y = layer(x)
    y.backward(torch.randn(y.shape, generator=torch.Generator().manual_seed(1)).to(y.dtype))
    return [y.detach(), x.grad, *(p.grad.clone() for p in layer.parameters())]


def is_product(layer, x):
    with small_maps():
        y = layer(x)
    return type(y.grad_fn).__name__ == "_ConvolutionBackward"


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize(("how", "size"), CASES)
def test_values_and_gradients_are_the_librarys(how, size, biased, layout):
    torch.manual_seed(0)
    layer = nn.Conv2d(5, 6, *how, bias=biased).to(memory_format=layout)
    x = torch.randn(3, 5, *size).contiguous(memory_format=layout)
    wanted = values_and_gradients(layer, x)
    with small_maps():
        given = values_and_gradients(layer, x)
    assert biased or is_product(layer, x)
    assert given[0].dtype == torch.bfloat16
    assert given[0].is_contiguous(memory_format=layout)
    for value, target in zip(given, wanted, strict=True):
        assert value.shape == target.shape
        assert (value - target).norm() < 0.02 * target.norm()


@pytest.mark.parametrize(
    ("how", "size"),
    [
        ({"kernel_size": 3, "padding": 1}, (5, 5)),  # not small
        ({"kernel_size": 1}, (2, 2)),  # a product already
        ({"kernel_size": 3, "padding": 1, "groups": 2}, (2, 2)),
        ({"kernel_size": 3, "padding": 2, "dilation": 2}, (2, 2)),
        ({"kernel_size": 3, "padding": "same"}, (2, 2)),
        ({"kernel_size": 3, "padding": (1, 0)}, (2, 4)),
        ({"kernel_size": 3, "padding": 1, "stride": (1, 2)}, (2, 2)),
        ({"kernel_size": (3, 1)}, (4, 4)),
        ({"kernel_size": 2, "padding": 2}, (2, 2)),  # outputs that read nothing
    ],
)
def test_others_are_left_to_the_library(how, size):
    layer, x = nn.Conv2d(4, 4, bias=False, **how), torch.randn(2, 4, *size)
    assert not is_product(layer, x)
    with torch.autocast("cpu", torch.bfloat16):
        wanted = layer(x)
    with small_maps():
        assert torch.equal(layer(x), wanted)


def test_calls_that_the_library_refuses_are_refused_by_it():
    with small_maps(), pytest.raises(RuntimeError, match="expected input"):
        nn.Conv2d(4, 4, 3, padding=1)(torch.randn(2, 3, 2, 2))
    with small_maps(), pytest.raises(RuntimeError, match=r"[Kk]ernel size can't be greater"):
        nn.Conv2d(4, 4, 3)(torch.randn(2, 4, 2, 2))


def test_whatever_is_no_convolution_of_a_module_goes_its_way():
    x, weight = torch.randn(2, 4, 2, 2), torch.randn(4, 4, 3, 3)
    with small_maps():
        assert torch.conv2d(x, weight, padding=1).shape == x.shape
        assert torch.conv2d(x, weight, None, 1, 1, 1, 1).shape == x.shape
        assert nn.Conv2d(4, 4, 3, padding=1)(x[0]).shape == x[0].shape
