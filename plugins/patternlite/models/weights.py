"""Reads weights of PyTorch models from the files that users have, and writes them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import PatternliteError
from ..support.files import require_file, write_atomically

if TYPE_CHECKING:
    from torch import Tensor, nn

_WRAPPED = ("module.", "_orig_mod.")  # put before keys by (Distributed)DataParallel and by torch.compile


def load_weights(model: nn.Module, path: Path) -> None:
    """Loads a state_dict, of any float type, into the model.

    Only num_batches_tracked may be missing: any other missing key, an unknown key or another shape is an
    error. Keys may be those of a wrapped model: DataParallel, DistributedDataParallel, torch.compile.
    """
    from patternlite.pruning.model.state import tensors_in

    own = tensors_in(model)
    state = _unwrapped(read_state_dict(path), own)
    missing = [k for k in own if k not in state and not k.endswith("num_batches_tracked")]
    unknown = [k for k in state if k not in own]
    wrong = [k for k in state if k in own and state[k].shape != own[k].shape]
    for keys, what in (
        (missing, "are missing"),
        (unknown, "are not in the model"),
        (wrong, "have another shape"),
    ):
        if keys:
            raise PatternliteError(
                f"{path} does not fit the model: {len(keys)} tensors {what}, the first is {keys[0]}; "
                "give the weights of this very model"
            )
    model.load_state_dict(state, strict=False)


def _unwrapped(state: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Removes the prefixes that wrappers put before all keys, unless the model's `own` keys have them."""
    while state and not state.keys() & own.keys():
        prefix = next((p for p in _WRAPPED if all(key.startswith(p) for key in state)), None)
        if prefix is None:
            break
        state = {key.removeprefix(prefix): tensor for key, tensor in state.items()}
    return state


def read_state_dict(path: Path) -> Mapping[str, Tensor]:
    """Reads tensors by name from .safetensors, or from .pt or .pth without running any code in the file."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    require_file(path)
    if path.suffix == ".safetensors":
        try:
            return load_file(path)
        except SafetensorError as error:
            raise PatternliteError(
                f"{path} is not a readable safetensors file ({error}); save it again"
            ) from error
    if path.suffix not in (".pt", ".pth"):
        raise PatternliteError(f"weights are read from .safetensors, .pt or .pth, not {path.name}")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds
        raise PatternliteError(
            f"{path} is not a readable state_dict; save it with torch.save(model.state_dict(), ...)"
        ) from error
    named = isinstance(state, Mapping) and all(
        isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in state.items()
    )
    if not named:
        raise PatternliteError(
            f"{path} holds no state_dict; save it with torch.save(model.state_dict(), ...)"
        )
    return state


def save_weights(model: nn.Module, path: Path) -> None:
    """Writes the model's state_dict as safetensors."""
    from safetensors.torch import save

    from patternlite.pruning.model.state import tensors_in

    # Clones: safetensors refuses tensors that share memory, as tied weights do.
    tensors = {k: v.detach().cpu().clone().contiguous() for k, v in tensors_in(model).items()}
    write_atomically(path, save(tensors))
