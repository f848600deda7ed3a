"""The mask set: which weights are zero, kept with the model through retraining."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_post_hook

from patternlite.stored.stamp import Stamp

from .patterns import TAPS

_FORMAT = {"format": "patternlite.masks", "version": "1"}


class Masks(Mapping[str, Tensor]):
    """Layer name -> bool (O, I, 3, 3), True where a weight stays."""

    def __init__(self, masks: Mapping[str, Tensor]) -> None:
        for name, mask in masks.items():
            if mask.dtype != torch.bool or mask.ndim != 4 or mask.shape[2:] != (3, 3):
                raise ValueError(
                    f"the mask of {name!r} is {mask.dtype} {tuple(mask.shape)}: masks are bool (O, I, 3, 3)"
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
        path = Path(path)
        beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            save_file({name: _encode(mask) for name, mask in self.items()}, beside, metadata=_FORMAT)
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: Path | str) -> Masks:
        """Reads what `save` wrote; anything else is a ValueError."""
        try:
            with safe_open(path, framework="pt") as file:
                if (metadata := file.metadata()) != _FORMAT:
                    raise ValueError(f"{path} is no mask file: its metadata is {metadata}, not {_FORMAT}")
                return cls({name: _decode(name, file.get_tensor(name)) for name in file.keys()})  # noqa: SIM118
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
        """Sets every masked weight of the model to zero, in place (a NaN there is zeroed as well)."""
        for name, mask in self.items():
            weight = _weight(model, name, mask.shape)
            weight.masked_fill_(~mask.to(weight.device), 0.0)

    @torch.no_grad()
    def verify(self, model: nn.Module) -> None:
        """Raises ValueError, naming the layers, unless every masked weight of the model is zero."""
        broken = []
        for name, mask in self.items():
            weight = _weight(model, name, mask.shape)
            if wrong := int((weight != 0).logical_and_(~mask.to(weight.device)).sum()):
                broken.append(f"{name} ({wrong} weights)")
        if broken:
            raise ValueError(
                f"not zero under the mask: {', '.join(broken)}. Call masks.apply(model), and retrain "
                "inside `with masks.enforced(model):`"
            )

    @contextmanager
    def enforced(self, model: nn.Module) -> Iterator[None]:
        """Keeps the masked weights exactly zero after every step of any torch optimizer, and on exit.

        Nothing is added to the model: no hooks, no parametrisations, no change to its state_dict.
        """
        self.apply(model)
        handle = register_optimizer_step_post_hook(lambda *_: self.apply(model))
        try:
            yield
        finally:
            handle.remove()
            self.apply(model)


def _weight(model: nn.Module, name: str, shape: torch.Size) -> Tensor:
    try:
        weight = model.get_parameter(f"{name}.weight")
    except AttributeError:
        raise ValueError(
            f"the model has no layer {name!r} with a weight: are these the masks of another model? "
            "(A wrapped model is given as wrapper.module.)"
        ) from None
    if weight.shape != shape:
        raise ValueError(f"{name}: the weight is {tuple(weight.shape)} but the mask {tuple(shape)}")
    return weight


def _encode(mask: Tensor) -> Tensor:
    """int16 (O, I): bit t is tap t, so a kernel takes two bytes."""
    bits = 2 ** torch.arange(TAPS, dtype=torch.int16)
    return (mask.reshape(*mask.shape[:2], TAPS).to(torch.int16) * bits).sum(-1, dtype=torch.int16)


def _decode(name: str, codes: Tensor) -> Tensor:
    if codes.dtype != torch.int16 or codes.ndim != 2 or bool(((codes < 0) | (codes >= 2**TAPS)).any()):
        raise ValueError(f"the mask of {name!r} is damaged: expected int16 (O, I) codes below {2**TAPS}")
    bits = 2 ** torch.arange(TAPS, dtype=torch.int16)
    return (codes[..., None] & bits).bool().reshape(*codes.shape, 3, 3)
