"""What products are made in: bfloat16 where a step only learns from gradients, exact float32 elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any

import torch
from torch import nn

from .outputs import trial
from .small_maps import SmallMaps
from .state import device_of


@contextmanager
def half(device: torch.device) -> Iterator[None]:
    """Autocast to bfloat16 where the device multiplies it faster than float32; elsewhere it changes nothing.

    With models and images in channels_last, a step of ResNet-18 takes a quarter of its time on CPUs with AMX.
    Tensors are made on the device, where models do not say otherwise.
    """
    if device.type == "cuda":
        fast, tiles = torch.cuda.is_bf16_supported(including_emulation=False), False
    else:
        can = _capabilities() if device.type == "cpu" else {}
        fast, tiles = bool(can.get("avx512_bf16", False)), bool(can.get("amx_bf16", False))
    # Within another autocast, cached weights would outlive a step that changes them.
    low = torch.autocast(device.type, torch.bfloat16, enabled=fast, cache_enabled=False)
    with device, low, SmallMaps() if tiles else nullcontext():
        yield


@contextmanager
def exact() -> Iterator[None]:
    """Products of float32 are exact to it, whatever torch.set_float32_matmul_precision allows outside.

    Those of convolutions on GPUs, too, where torch allows TF32 by itself.
    """
    with ExitStack() as after:
        try:
            allowed, tf32 = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
        except RuntimeError:  # allowed by the flags that torch has from 2.9 on, which those do not mix with
            backends: Any = torch.backends
            for products in (backends.cuda.matmul, backends.mkldnn.matmul, backends.cudnn.conv):
                after.callback(setattr, products, "fp32_precision", products.fp32_precision)
                products.fp32_precision = "ieee"
        else:
            if allowed != "highest":  # which would set the flags, too
                after.callback(torch.set_float32_matmul_precision, allowed)
                torch.set_float32_matmul_precision("highest")
            if tf32:
                after.callback(setattr, torch.backends.cudnn, "allow_tf32", True)
                torch.backends.cudnn.allow_tf32 = False
        yield


def _capabilities() -> Mapping[str, Any]:
    """What the CPU can do; older versions of torch tell it by other functions, or not at all."""
    if ask := getattr(torch.cpu, "get_capabilities", None):
        return ask()
    older = {"avx512_bf16": "_is_avx512_bf16_supported", "amx_bf16": "_is_amx_tile_supported"}
    return {name: getattr(torch.cpu, function, bool)() for name, function in older.items()}


@contextmanager
def laid_out(shape: tuple[int, ...], *models: nn.Module) -> Iterator[torch.memory_format]:
    """channels_last, where all the models run so; else nothing is moved. Yields how images are to lie.

    A model that calls x.view(len(x), -1) on a map runs on none but plain ones.  models: in eval mode.
    shape: of an image.
    """
    fits = _run_channels_last(shape, *models)
    with channels_last(*models) if fits else nullcontext():
        yield torch.channels_last if fits else torch.contiguous_format


def _run_channels_last(shape: tuple[int, ...], *models: nn.Module) -> bool:
    try:
        with channels_last(*models):
            for model in models:
                with device_of(model):
                    trial(model, shape, torch.channels_last)
    except Exception:  # whatever it has against it
        return False
    return True


@contextmanager
def channels_last(*models: nn.Module) -> Iterator[None]:
    """Filters lie as the products of `half` read them; afterwards as they lay before."""
    tensors = [t for model in models for t in (*model.parameters(), *model.buffers()) if t.ndim == 4]
    before = [_layout(tensor) for tensor in tensors]
    try:
        for tensor in tensors:
            tensor.data = tensor.data.contiguous(memory_format=torch.channels_last)
        yield
    finally:
        for tensor, layout in zip(tensors, before, strict=True):
            tensor.data = tensor.data.contiguous(memory_format=layout)


def _layout(tensor: torch.Tensor) -> torch.memory_format:
    plain = tensor.is_contiguous() or not tensor.is_contiguous(memory_format=torch.channels_last)
    return torch.contiguous_format if plain else torch.channels_last
