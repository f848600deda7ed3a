"""Convolutions on small maps as matrix products, for CPUs that multiply bfloat16 in tiles (AMX).

oneDNN computes one row of the output in a tile of 16 rows: at 4x4 pixels three quarters of the tile are idle,
and a gradient of weights takes ten times as long as the same matrix product. Laid out as columns (im2col;
Chellapilla et al. 2006, section 4), the pixels of all images fill the tiles.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.amp import custom_bwd, custom_fwd
from torch.nn import functional as F
from torch.nn.grad import conv2d_input
from torch.overrides import TorchFunctionMode

_WIDEST = 4  # widest outputs that gain; at 8 the columns cost what the tiles save


class SmallMaps(TorchFunctionMode):
    """A context under autocast in which convolutions on small maps become matrix products in bfloat16."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.conv2d and not kwargs and len(args) == 7 and _is_small(*args):
            x, weight, bias, (stride, _), (padding, _) = args[:5]
            y = _Convolution.apply(x, weight, stride, padding)
            return y if bias is None else y + bias.to(y.dtype).view(-1, 1, 1)
        return func(*args, **(kwargs or {}))


def _is_small(
    x: Tensor, weight: Tensor, _: Tensor | None, stride: Any, padding: Any, dilation: Any, groups: int
) -> bool:
    """Whether this is a square, ungrouped convolution of a small map, as nn.Conv2d calls it.

    x: (N, C, H, W), weight: (O, C, K, K).  stride, padding, dilation: pairs.
    """
    if x.ndim != 4 or groups != 1 or dilation != (1, 1):
        return False
    kernel = weight.shape[-1]
    if weight.shape != (len(weight), x.shape[1], kernel, kernel) or kernel == 1:
        return False
    if stride not in {(1, 1), (2, 2)} or padding not in {(p, p) for p in range(kernel)}:
        return False
    height, width = (_positions(size, kernel, stride[0], padding[0]) for size in x.shape[2:])
    return height > 0 and 0 < width <= _WIDEST


def _positions(size: int, kernel: int, stride: int, padding: int) -> int:
    return (size + 2 * padding - kernel) // stride + 1


class _Convolution(torch.autograd.Function):
    """x: (N, C, H, W), weight: (O, C, K, K). Returns (N, O, H', W'), channels last if the weight is."""

    @staticmethod
    @custom_fwd(device_type="cpu", cast_inputs=torch.bfloat16)
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        matrix = weight.permute(0, 2, 3, 1).flatten(1).T
        y = _columns(x, weight.shape[2], stride, padding).matmul(matrix).permute(0, 3, 1, 2)
        return y.contiguous() if weight.is_contiguous() else y

    @staticmethod
    @custom_bwd(device_type="cpu")
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        x, weight = ctx.saved_tensors
        kernel = weight.shape[2]
        gradient = gradients[0].to(weight.dtype)
        of_x = of_weight = None
        if ctx.needs_input_grad[0] and ctx.stride == 1:
            matrix = weight.flip(2, 3).permute(2, 3, 0, 1).flatten(0, 2)
            columns = _columns(gradient, kernel, 1, kernel - 1 - ctx.padding)
            of_x = columns.matmul(matrix).permute(0, 3, 1, 2)
        elif ctx.needs_input_grad[0]:
            of_x = conv2d_input(x.shape, weight, gradient, ctx.stride, ctx.padding)
        if ctx.needs_input_grad[1]:
            rows = gradient.permute(0, 2, 3, 1).flatten(0, 2)
            columns = _columns(x, kernel, ctx.stride, ctx.padding).flatten(0, 2)
            of_weight = (rows.T @ columns).view(len(weight), kernel, kernel, -1).permute(0, 3, 1, 2)
        return of_x, of_weight, None, None


def _columns(x: Tensor, kernel: int, stride: int, padding: int) -> Tensor:
    """(N, H', W', K * K * C): the inputs that each output reads."""
    batch, channels, *sizes = x.shape
    height, width = (_positions(size, kernel, stride, padding) for size in sizes)
    x = F.pad(x.permute(0, 2, 3, 1), (0, 0, padding, padding, padding, padding)).contiguous()
    image, row, column, channel = x.stride()
    shape = (batch, height, width, kernel, kernel, channels)
    windows = x.as_strided(shape, (image, row * stride, column * stride, row, column, channel))
    return windows.reshape(batch, height, width, -1)
