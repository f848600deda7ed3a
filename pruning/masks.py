"""The mask set: which weights are zero, and keeping them zero through retraining."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_post_hook

from patternlite.stored.stamp import Stamp
from patternlite.support.files import require_file, write_atomically

_FORMAT = "patternlite.masks"
_INTEGERS = {2: torch.int16, 4: torch.int32, 8: torch.int64}  # by the bytes of a weight
_VERSION = "2"  # 1 held kernels of 3x3 only, as int16


class Masks(Mapping[str, Tensor]):
    """Layer name -> bool mask in the weight's shape, (O, I, kh, kw), True where a weight stays."""

    def __init__(self, masks: Mapping[str, Tensor]) -> None:
        for name, mask in masks.items():
            if mask.dtype != torch.bool or mask.ndim != 4:
                raise ValueError(
                    f"the mask of {name!r} is {mask.dtype} {tuple(mask.shape)}: masks are bool (O, I, kh, kw)"
                )
        self._masks = {name: masks[name].detach().cpu().contiguous() for name in sorted(masks)}

    def __getitem__(self, name: str) -> Tensor:
        return self._masks[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._masks)

    def __len__(self) -> int:
        return len(self._masks)

    def save(self, path: Path | str) -> None:
        """Writes a safetensors file, which appears complete or not at all."""
        sizes = {name: list(mask.shape[2:]) for name, mask in self.items()}
        metadata = {"format": _FORMAT, "version": _VERSION, "kernels": json.dumps(sizes)}
        # Not save_file, which makes files that only their owner may read: these are handed over.
        write_atomically(Path(path), save({name: _encode(mask) for name, mask in self.items()}, metadata))

    @classmethod
    def load(cls, path: Path | str) -> Masks:
        """Reads a file written by `save` in this version or an earlier one.

        Raises PatternliteError if there is no file, ValueError for any other content.
        """
        require_file(path)
        try:
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                if metadata.get("format") != _FORMAT:
                    raise ValueError(f"{path} is no mask file: its metadata is {metadata}")
                if metadata.get("version") not in ("1", _VERSION):
                    raise ValueError(
                        f"{path} is a mask file of version {metadata.get('version')}; this patternlite reads "
                        f"versions up to {_VERSION}: install a newer one"
                    )
                sizes = json.loads(metadata.get("kernels", "{}"))
                if not isinstance(sizes, dict):
                    raise ValueError(f"{path} is damaged: its sizes of kernels by layer are {sizes}")
                return cls(
                    {
                        name: _decode(name, file.get_tensor(name), sizes.get(name, [3, 3]))
                        for name in file.keys()  # noqa: SIM118
                    }
                )
        except SafetensorError as error:
            raise ValueError(f"{path} is not a readable safetensors file: {error}") from error

    def stamp(self) -> Stamp:
        """What exported files carry, so that `patternlite inspect` can check their zeros."""
        return Stamp.of(mask.numpy() for mask in self.values())

    def digest(self) -> str:
        """sha256 of all shapes and bits: the same on any machine, and in every exported file.

        Layer names and order are left out, since every format has its own.
        """
        return self.stamp().digest

    @torch.no_grad()
    def apply(self, model: nn.Module) -> None:
        """Sets every masked weight of the model to zero, in place (NaN, too).

        Raises ValueError, and changes nothing, if the model has no such layers.
        """
        self._apply(model, {})

    def _apply(self, model: nn.Module, bits: dict[str, Tensor]) -> None:
        """bits: layer -> the mask as integers, a cache that this fills."""
        weights = {name: _weight(model, name, mask.shape) for name, mask in self.items()}
        for name, weight in weights.items():
            kept = bits.get(name)
            if kept is None or not _fit(kept, weight):
                kept = bits[name] = _bits(self[name], weight)
            weight.view(kept.dtype).bitwise_and_(kept)

    def verify(self, model: nn.Module) -> None:
        """Raises ValueError, naming the layers, unless every masked weight of the model is zero."""
        if broken := self.broken(model):
            raise ValueError(
                f"not zero under the mask: {', '.join(broken)}. Call masks.apply(model), and retrain "
                "inside `with masks.enforced(model):`"
            )

    @torch.no_grad()
    def broken(self, model: nn.Module) -> list[str]:
        """The layers with masked weights that are not zero, and how many; "conv1 (3 weights)".

        Raises ValueError if the model has no such layers.
        """
        found = []
        for name, mask in self.items():
            weight = _weight(model, name, mask.shape)
            if wrong := int((weight != 0).logical_and_(~mask.to(weight.device)).sum()):
                found.append(f"{name} ({wrong} weights)")
        return found

    @contextmanager
    def enforced(self, model: nn.Module) -> Iterator[None]:
        """In this context, masked weights are set to zero after every step of any torch optimizer.

        They also are on entry and on exit.

        Nothing is added to the model: no hooks, no parametrisations, no change to its state_dict.
        """
        self.apply(model)
        bits: dict[str, Tensor] = {}
        handle = register_optimizer_step_post_hook(torch.no_grad()(lambda *_: self._apply(model, bits)))
        try:
            yield
        finally:
            handle.remove()
            self.apply(model)


def _bits(mask: Tensor, weight: Tensor) -> Tensor:
    """The mask as integers of the weight's size, on its device and in its layout: -1 where a weight stays.

    A bitwise `and` with them zeroes the other weights in a quarter of the time that a masked fill takes.
    """
    kept = torch.zeros_like(weight, dtype=_INTEGERS[weight.element_size()])
    return kept.masked_fill_(mask.to(weight.device), -1)


def _fit(bits: Tensor, weight: Tensor) -> bool:
    """Whether the weight's device, element size and layout are still those that the bits were made for."""
    return (
        bits.device == weight.device
        and bits.element_size() == weight.element_size()
        and bits.stride() == weight.stride()
    )


def _weight(model: nn.Module, name: str, shape: torch.Size) -> Tensor:
    try:
        weight = model.get_submodule(name).weight
    except AttributeError:
        weight = None
    if not isinstance(weight, Tensor):
        raise ValueError(
            f"the model has no layer {name!r} with a weight: are these the masks of another model? "
            "(A wrapped model is given as wrapper.module.)"
        )
    if not isinstance(weight, nn.Parameter):
        raise ValueError(f"{name}: its weight is computed (remove_parametrizations first)")
    if weight.shape != shape:
        raise ValueError(f"{name}: the weight is {tuple(weight.shape)} but the mask {tuple(shape)}")
    return weight


def _encode(mask: Tensor) -> Tensor:
    """uint8 (O, I, bytes per kernel): bit t, counted from the lowest of the first byte, is tap t."""
    packed = np.packbits(mask.flatten(2).numpy(), axis=-1, bitorder="little")
    return torch.from_numpy(packed)


def _decode(name: str, codes: Tensor, size: object) -> Tensor:
    """The mask of one layer, bool (O, I, kh, kw).  size: [kh, kw], as found in the file."""
    if isinstance(size, list) and len(size) == 2 and all(isinstance(n, int) and n > 0 for n in size):
        taps = math.prod(size)
        if codes.dtype == torch.int16 and codes.ndim == 2 and taps == 9:  # version 1
            codes = torch.from_numpy(codes.numpy().astype("<i2").view(np.uint8).reshape(*codes.shape, 2))
        if codes.dtype == torch.uint8 and codes.ndim == 3 and codes.shape[2] == -(-taps // 8):
            bits = np.unpackbits(codes.numpy(), axis=-1, bitorder="little")
            if not bits[..., taps:].any():
                return torch.from_numpy(bits[..., :taps].astype(bool)).reshape(*codes.shape[:2], *size)
    raise ValueError(f"the mask of {name!r} is damaged: its codes do not fit kernels of {size}")
