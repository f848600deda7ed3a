"""Makes dataclasses of plain data: of what `dataclasses.asdict` and JSON made of them, or of TOML."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from patternlite.errors import PatternliteError, one_line

T = TypeVar("T")

_SIMPLE: dict[type, tuple[tuple[type, ...], str]] = {
    bool: ((bool,), "true or false"),
    int: ((int,), "a whole number"),
    float: ((int, float), "a number"),
    str: ((str,), "a text"),
}


def restore(kind: Any, data: Any, strict: bool = False, where: str = "") -> Any:
    """A value of type `kind` from plain data. Missing fields get their defaults.

    strict: keys that are not fields are an error, for files that people write.  where: the data's place in
    the whole, for errors. Raises ValueError, which says where, if the data does not fit.
    """
    origin, inner = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and is_dataclass(kind):
        _require(isinstance(data, Mapping), "a table", data, where)
        hints, names = get_type_hints(kind), [f.name for f in fields(kind)]
        for key in data:
            if strict and key not in names:
                raise ValueError(f"unknown key {_at(where, key)!r}; known: {', '.join(names)}")
        for f in fields(kind):
            if f.name not in data and f.default is MISSING and f.default_factory is MISSING:
                raise ValueError(f"{_at(where, f.name)} is missing")
        found = (name for name in names if name in data)
        return kind(**{name: restore(hints[name], data[name], strict, _at(where, name)) for name in found})
    if NoneType in inner:
        return None if data is None else restore(inner[0], data, strict, where)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        _require(isinstance(data, Mapping), "a table", data, where)
        return {key: restore(inner[1], value, strict, _at(where, key)) for key, value in data.items()}
    if isinstance(origin, type) and issubclass(origin, Sequence):
        _require(isinstance(data, list | tuple), "a list", data, where)
        return tuple(restore(inner[0], value, strict, f"{where}[{i}]") for i, value in enumerate(data))
    if kind in _SIMPLE:
        types, words = _SIMPLE[kind]
        _require(type(data) in types, words, data, where)
    return data


def _require(right: bool, words: str, data: Any, where: str) -> None:
    if not right:
        raise ValueError(f"{where or 'the whole'} must be {words}, not {data!r}")


def _at(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def read_json(kind: type[T], path: Path, what: str) -> T:
    """A value of type `kind` from a JSON file; a PatternliteError if it is no `what`."""
    try:
        return restore(kind, json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise PatternliteError(f"{path} is no {what}: {one_line(error)}; move it away") from error
