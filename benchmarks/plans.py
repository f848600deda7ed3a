"""How plans are read: TOML files that say what to measure."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from patternlite.errors import PatternliteError

T = TypeVar("T")


def read(path: Path, parse: Callable[[dict[str, Any]], T]) -> T:
    """parse: the file's data -> the plan. Raises PatternliteError naming the file and what it has wrong."""
    try:
        return parse(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise PatternliteError(f"{path}: {type(error).__name__}: {error}") from error


def known(what: str, name: str, names: Iterable[str]) -> None:
    """Raises ValueError unless it is."""
    if name not in names:
        raise ValueError(f"unknown {what} {name!r}; known: {', '.join(names)}")
