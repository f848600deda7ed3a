"""The precision of products: bfloat16 where a step only learns from gradients, exact float32 elsewhere."""

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
    """Autocasts to bfloat16 if that is allowed and faster than float32 on the device.

    With models and images in channels_last, a step of ResNet-18 takes a quarter of its time on CPUs with AMX.
    The device becomes the default one, for models that make tensors without naming any.
    """
    if device.type == "cuda":
        fast, tiles = torch.cuda.is_bf16_supported(including_emulation=False), False
    else:
        can = _capabilities() if device.type == "cpu" else {}
        tiles = bool(can.get("amx_bf16", False))
        # Without tiles, Intel's cores multiply float32 just as fast, and bfloat16 takes 1.25 times as long.
        intel = str(can.get("cpu_name", "")).startswith("Intel")
        fast = tiles or (bool(can.get("avx512_bf16", False)) and not intel)
    # Inside another autocast, cached weights would outlive a step that changes them.
    low = torch.autocast(device.type, torch.bfloat16, enabled=fast and allowed, cache_enabled=False)
    with device, low, SmallMaps() if tiles and allowed else nullcontext():
        yield


@contextmanager
def exact() -> Iterator[None]:
    """In this context float32 products are exact, whatever torch.set_float32_matmul_precision allows outside.

    That includes convolutions on GPUs, for which torch allows TF32 by default.
    """
    with ExitStack() as after:
        with warnings.catch_warnings():
            # torch 2.9 advises its newer flags. Once those are set, the older ones cannot be read.
            warnings.filterwarnings("ignore", "Please use the new API settings")
            _make_exact(after)
        yield


def _make_exact(after: ExitStack) -> None:
    """after: gets the callbacks that undo it."""
    try:
        allowed, tf32 = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    except RuntimeError:  # the flags of torch 2.9 and later were used, which do not mix with these
        backends: Any = torch.backends
        for products in (backends.cuda.matmul, backends.mkldnn.matmul, backends.cudnn.conv):
            after.callback(setattr, products, "fp32_precision", products.fp32_precision)
            products.fp32_precision = "ieee"
    else:
        if allowed != "highest":  # setting it would set the newer flags, too
            after.callback(torch.set_float32_matmul_precision, allowed)
            torch.set_float32_matmul_precision("highest")
        if tf32:
            after.callback(setattr, torch.backends.cudnn, "allow_tf32", True)
            torch.backends.cudnn.allow_tf32 = False


def _capabilities() -> Mapping[str, Any]:
    """The CPU's capabilities; older versions of torch report them by other functions, or not at all."""
    if ask := getattr(torch.cpu, "get_capabilities", None):
        return ask()
    older = {"avx512_bf16": "_is_avx512_bf16_supported", "amx_bf16": "_is_amx_tile_supported"}
    return {name: getattr(torch.cpu, function, bool)() for name, function in older.items()}


@dataclass(frozen=True)
class Form:
    """How models run in a step that only learns from gradients.

    layout: the memory format of images and filters.  low: whether they run in `half`.
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
    """Yields the first of the forms in which all the models run, and gives their filters its layout.

    A model that calls x.view(len(x), -1) on a map needs the contiguous layout; one that turns a map into
    complex numbers, or writes it into a float32 tensor, needs float32. Only forward passes are tried.
    shape: of an image.  models: in eval mode.
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
    except Exception:  # for whatever reason
        return False
    return True


def _filters_laid(form: Form, models: Sequence[nn.Module]) -> AbstractContextManager[None]:
    return channels_last(*models) if form.layout is torch.channels_last else nullcontext()


@contextmanager
def channels_last(*models: nn.Module) -> Iterator[None]:
    """In this context filters have the layout that is fastest in `half`; afterwards their own again."""
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
