"""What products are made in: bfloat16 where a step only learns from gradients, exact float32 elsewhere."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .outputs import trial
from .small_maps import SmallMaps
from .state import device_of


@contextmanager
def half(device: torch.device, allowed: bool = True) -> Iterator[None]:
    """Autocast to bfloat16 where that is allowed and faster than float32 on the device; else nothing changes.

    With models and images in channels_last, a step of ResNet-18 takes a quarter of its time on CPUs with AMX.
    Tensors are made on the device, where models do not say otherwise.
    """
    if device.type == "cuda":
        fast, tiles = torch.cuda.is_bf16_supported(including_emulation=False), False
    else:
        can = _capabilities() if device.type == "cpu" else {}
        tiles = bool(can.get("amx_bf16", False))
        # But for the tiles, Intel's cores do as many products of float32: bfloat16 takes 1.25 times as long.
        intel = str(can.get("cpu_name", "")).startswith("Intel")
        fast = tiles or (bool(can.get("avx512_bf16", False)) and not intel)
    # Within another autocast, cached weights would outlive a step that changes them.
    low = torch.autocast(device.type, torch.bfloat16, enabled=fast and allowed, cache_enabled=False)
    with device, low, SmallMaps() if tiles and allowed else nullcontext():
        yield


@contextmanager
def exact() -> Iterator[None]:
    """Products of float32 are exact to it, whatever torch.set_float32_matmul_precision allows outside.

    Those of convolutions on GPUs, too, where torch allows TF32 by itself.
    """
    with ExitStack() as after:
        with warnings.catch_warnings():
            # torch 2.9 advises its newer flags. Once those are set, the older ones cannot be read.
            warnings.filterwarnings("ignore", "Please use the new API settings")
            _make_exact(after)
        yield


def _make_exact(after: ExitStack) -> None:
    """after: where it is undone."""
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


def _capabilities() -> Mapping[str, Any]:
    """What the CPU can do; older versions of torch tell it by other functions, or not at all."""
    if ask := getattr(torch.cpu, "get_capabilities", None):
        return ask()
    older = {"avx512_bf16": "_is_avx512_bf16_supported", "amx_bf16": "_is_amx_tile_supported"}
    return {name: getattr(torch.cpu, function, bool)() for name, function in older.items()}


@dataclass(frozen=True)
class Form:
    """How models run in a step that only learns from gradients.

    layout: of images, and of filters.  low: in `half`.
    """

    layout: torch.memory_format
    low: bool

    def of(self, images: Tensor) -> Tensor:
        return images.contiguous(memory_format=self.layout)


_FORMS = tuple(
    Form(layout, low) for low in (True, False) for layout in (torch.channels_last, torch.contiguous_format)
)


@contextmanager
def laid_out(shape: tuple[int, ...], *models: nn.Module) -> Iterator[Form]:
    """The first of the forms in which all the models run; their filters lie so while the context lasts.

    A model that calls x.view(len(x), -1) on a map runs on none but plain ones; one that makes complex
    numbers of a map, or writes it into a tensor of float32, in nothing but float32. They are tried forward
    alone.  models: in eval mode.
    shape: of an image.
    """
    form = next((form for form in _FORMS if _run(form, shape, models)), _FORMS[-1])
    with _filters_laid(form, models):
        yield form


def _run(form: Form, shape: tuple[int, ...], models: Sequence[nn.Module]) -> bool:
    try:
        with _filters_laid(form, models):
            for model in models:
                with half(device_of(model), form.low):
                    trial(model, shape, form.layout)
    except Exception:  # whatever it has against it
        return False
    return True


def _filters_laid(form: Form, models: Sequence[nn.Module]) -> AbstractContextManager[None]:
    return channels_last(*models) if form.layout is torch.channels_last else nullcontext()


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
