"""What a model returns."""

from __future__ import annotations

from torch import Tensor


def tensors_of(output: object) -> list[Tensor]:
    """Its tensors: one, or several in lists, tuples and dicts."""
    if isinstance(output, Tensor):
        return [output]
    if isinstance(output, dict):
        output = list(output.values())
    if isinstance(output, list | tuple):
        return [tensor for part in output for tensor in tensors_of(part)]
    raise ValueError(
        f"the model returns a {type(output).__name__}: return tensors, or lists, tuples and dicts of them"
    )
