"""Dataclasses out of the plain data that `dataclasses.asdict` and JSON made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints


def restore(kind: Any, data: Any) -> Any:
    """data: what a value of this type looks like as plain data. Fields it lacks get their defaults."""
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{f.name: restore(hints[f.name], data[f.name]) for f in fields(kind) if f.name in data})
    origin, inner = get_origin(kind), get_args(kind)
    if NoneType in inner:
        return None if data is None else restore(inner[0], data)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {key: restore(inner[1], value) for key, value in data.items()}
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return tuple(restore(inner[0], value) for value in data)
    return data
