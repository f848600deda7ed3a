"""Imports go one way, as CONTRIBUTING.md draws it: what stands below knows nothing of what stands above."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import patternlite.pruning

ROOT = Path(patternlite.pruning.__file__).parent
PACKAGE = Path(patternlite.__file__).parent
LOW = ("errors", "support", "images", "stored", "__version__")
MIDDLE = (*LOW, "tflite", "mnn", "inspection", "layers", "runtimes")


def imported(root: Path, *names: str) -> Iterator[str]:
    """What a file or the files of a folder import from modules, by full names."""
    for path in (root, *root.rglob("*.py")):
        if path.is_file():
            yield from _imported_by(path, [*names, *path.relative_to(root).parent.parts])


def _imported_by(path: Path, package: list[str]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            module = ".".join([*base, *filter(None, [node.module])])
            yield from (f"{module}.{name.name}." for name in node.names)


def outside(names: Iterator[str], package: str, allowed: tuple[str, ...]) -> list[str]:
    """Those of the package that are in none of its parts that are allowed."""
    parts = tuple(f"{package}.{part}." for part in allowed)
    return [name for name in names if name.startswith(f"{package}.") and not name.startswith(parts)]


@pytest.mark.parametrize(
    ("folder", "below"),
    [("support", ()), ("model", ("support",)), ("sources", ("model", "support", "normalisation"))],
)
def test_a_folder_of_pruning_imports_what_is_below_it(folder, below):
    names = imported(ROOT / folder, "patternlite", "pruning", folder)
    assert outside(names, "patternlite.pruning", (folder, *below)) == []


def test_pruning_imports_no_command():
    names = imported(ROOT, "patternlite", "pruning")
    assert outside(names, "patternlite", ("pruning", *MIDDLE)) == []


@pytest.mark.parametrize(
    ("folder", "below"),
    [
        ("support", ("errors", "__version__")),
        ("images", LOW),
        ("stored", LOW),
        ("runtimes", MIDDLE),
        ("report", ("pruning", "report", *MIDDLE)),
        ("models", ("pruning", *LOW)),
        ("demo", ("pruning", "models", "report", *MIDDLE)),
    ],
)
def test_a_folder_of_the_package_imports_what_is_below_it(folder, below):
    names = imported(PACKAGE / folder, "patternlite", folder)
    assert outside(names, "patternlite", (folder, *below)) == []


@pytest.mark.parametrize("module", ["tflite", "mnn", "inspection", "layers"])
def test_what_a_program_imports_knows_no_command(module):
    names = imported(PACKAGE / f"{module}.py", "patternlite")
    assert outside(names, "patternlite", MIDDLE) == []
