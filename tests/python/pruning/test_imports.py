"""Imports go one way, as CONTRIBUTING.md draws it: what stands below knows nothing of what stands above."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import patternlite.pruning

ROOT = Path(patternlite.pruning.__file__).parent
BELOW = (
    "errors",
    "files",
    "isolated",
    "native",
    "runtimes",
    "sessions",
    "stored",
    "timing",
    "units",
    "__version__",
)


def imported(path: Path) -> Iterator[str]:
    """What a file imports from modules, by full names."""
    package = ["patternlite", "pruning", *path.relative_to(ROOT).parent.parts]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            module = ".".join([*base, *filter(None, [node.module])])
            yield from (f"{module}.{name.name}." for name in node.names)


@pytest.mark.parametrize(
    ("folder", "below"),
    [("support", ()), ("model", ("support",)), ("sources", ("model", "support", "normalisation"))],
)
def test_a_folder_imports_what_is_below_it(folder, below):
    allowed = tuple(f"patternlite.pruning.{name}." for name in (folder, *below))
    names = {name for path in (ROOT / folder).rglob("*.py") for name in imported(path)}
    assert [n for n in names if n.startswith("patternlite.pruning.") and not n.startswith(allowed)] == []


def test_pruning_imports_no_command():
    allowed = tuple(f"patternlite.{name}." for name in ("pruning", *BELOW))
    names = {name for path in ROOT.rglob("*.py") for name in imported(path)}
    assert [n for n in names if n.startswith("patternlite.") and not n.startswith(allowed)] == []
