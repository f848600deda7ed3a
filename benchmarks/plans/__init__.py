"""Reads plans: TOML files that say what to measure."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from patternlite.errors import PatternliteError, one_line
from patternlite.support.files import require_file

from ..plain import restore

S = TypeVar("S")
T = TypeVar("T")


def read(path: Path, kind: type[S], finish: Callable[[S], T]) -> T:
    """Reads a plan.  kind: a dataclass for the file's content.  finish: makes the plan, or raises ValueError.

    Raises PatternliteError, which names the file and what is wrong in it.
    """
    require_file(path)
    try:
        return finish(restore(kind, tomllib.loads(path.read_text(encoding="utf-8")), strict=True))
    except (TypeError, ValueError) as error:
        raise PatternliteError(f"{path}: {one_line(error)}") from error


def known(what: str, name: str, names: Iterable[str]) -> None:
    """Raises ValueError, listing the names, unless `name` is one of them."""
    names = list(names)
    if name not in names:
        raise ValueError(f"unknown {what} {name!r}; known: {', '.join(dict.fromkeys(names))}")


def once(what: str, names: Iterable[str]) -> None:
    """Raises ValueError if a name occurs twice."""
    name, count = max(Counter(names).items(), key=lambda item: item[1], default=("", 0))
    if count > 1:
        raise ValueError(f"{what} {name!r} is there {count} times")
