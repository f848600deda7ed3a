"""The mask set: which weights are zero, kept with the model through retraining."""

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
    """Layer name -> bool (O, I, kh, kw), in the weight's shape, True where a weight stays."""

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
        """Writes a safetensors file, beside first and then renamed: a reader never sees half of one."""
        sizes = {name: list(mask.shape[2:]) for name, mask in self.items()}
        metadata = {"format": _FORMAT, "version": _VERSION, "kernels": json.dumps(sizes)}
        # Not save_file, whose files nobody else may read: these are handed over.
        write_atomically(Path(path), save({name: _encode(mask) for name, mask in self.items()}, metadata))

    @classmethod
    def load(cls, path: Path | str) -> Masks:
        """Reads what `save` wrote, in this version or before; anything else is a ValueError, no file a
        PatternliteError.
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
        """What exported files carry, for `patternlite inspect` to check their zeros with."""
        return Stamp.of(mask.numpy() for mask in self.values())

    def digest(self) -> str:
        """sha256 of shapes and bits, in no order: the same on any machine, and in every exported file.

        Layer names are left out, since formats have their own.
        """
        return self.stamp().digest

    @torch.no_grad()
    def apply(self, model: nn.Module) -> None:
        """Sets every masked weight of the model to zero, in place (a NaN there is zeroed as well).

        ValueError where the model has no such layers: it stays as it is.
        """
        self._apply(model, {})

    def _apply(self, model: nn.Module, bits: dict[str, Tensor]) -> None:
        """bits: by layer, kept from one time to the next."""
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
        """The layers whose masked weights are not all zero, and how many are not; ValueError where the model
        has no such layers.
        """
        found = []
        for name, mask in self.items():
            weight = _weight(model, name, mask.shape)
            if wrong := int((weight != 0).logical_and_(~mask.to(weight.device)).sum()):
                found.append(f"{name} ({wrong} weights)")
        return found

    @contextmanager
    def enforced(self, model: nn.Module) -> Iterator[None]:
        """Keeps the masked weights exactly zero after every step of any torch optimizer, and on exit.

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
    """All bits where a weight stays, none elsewhere: `and` zeroes the others in a quarter of a fill's time.

    Integers of the weight's size, on its device and laid out as it is.
    """
    kept = torch.zeros_like(weight, dtype=_INTEGERS[weight.element_size()])
    return kept.masked_fill_(mask.to(weight.device), -1)


def _fit(bits: Tensor, weight: Tensor) -> bool:
    """Whether the weight is still where and as it was when the bits were made."""
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
    """uint8 (O, I, bytes): bit t of a kernel's bytes, lowest first, is its tap t."""
    packed = np.packbits(mask.flatten(2).numpy(), axis=-1, bitorder="little")
    return torch.from_numpy(packed)


def _decode(name: str, codes: Tensor, size: object) -> Tensor:
    """size: of kernels, as the file has it."""
    if isinstance(size, list) and len(size) == 2 and all(isinstance(n, int) and n > 0 for n in size):
        taps = math.prod(size)
        if codes.dtype == torch.int16 and codes.ndim == 2 and taps == 9:  # version 1
            codes = torch.from_numpy(codes.numpy().astype("<i2").view(np.uint8).reshape(*codes.shape, 2))
        if codes.dtype == torch.uint8 and codes.ndim == 3 and codes.shape[2] == -(-taps // 8):
            bits = np.unpackbits(codes.numpy(), axis=-1, bitorder="little")
            if not bits[..., taps:].any():
                return torch.from_numpy(bits[..., :taps].astype(bool)).reshape(*codes.shape[:2], *size)
    raise ValueError(f"the mask of {name!r} is damaged: its codes do not fit kernels of {size}")
