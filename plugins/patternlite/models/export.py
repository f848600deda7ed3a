"""Writes a pruned model as files that runtimes read: each is verified and holds the hash of the masks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import require_packages
from ..stored.stamp import KEY
from ..support.progress import Stages

if TYPE_CHECKING:
    from torch import nn

    from patternlite.pruning import Masks


def check_export(model: nn.Module, input_shape: Sequence[int], suffixes: Sequence[str]) -> None:
    """Raises, before long work, what `export` would raise after it about the model or missing packages."""
    if suffixes:
        from patternlite.pruning.convert import PACKAGES, check_model

        require_packages("convert", *(p for suffix in (".onnx", *suffixes) for p in PACKAGES[suffix]))
        check_model(model, (1, *input_shape))


def remove_exports(path: Path) -> None:
    """Deletes what an earlier run exported, from other weights: `path`, a .onnx file, and those beside it.

    Files of that name without a hash of masks are somebody else's, and stay.
    """
    from patternlite.pruning.convert import PACKAGES

    for other in map(path.with_suffix, PACKAGES):
        if other.is_file() and KEY.encode() in other.read_bytes():
            other.unlink()


def exported_files(path: Path, suffixes: Sequence[str]) -> list[Path]:
    """The files that `export` writes; none if there are no `suffixes`.

    path: the .onnx file; the others lie beside it.  suffixes: ".tflite", ".mnn".
    """
    return [path.with_suffix(suffix) for suffix in (path.suffix, *suffixes)] if suffixes else []


def export(
    model: nn.Module,
    input_shape: Sequence[int],
    masks: Masks,
    path: Path,
    suffixes: Sequence[str],
    stages: Stages,
) -> list[Path]:
    """Writes the `exported_files`, and returns their paths.

    model: on the CPU.  input_shape: (channels, height, width).
    """
    from patternlite.pruning.convert import CONVERTERS, to_onnx

    paths = exported_files(path, suffixes)
    if not paths:
        return []
    with stages.stage("Converting") as advance:
        to_onnx(model, (1, *input_shape), path, masks)
        for i, target in enumerate(paths[1:], 1):
            advance(target.name, i / len(paths))
            CONVERTERS[target.suffix](path, target)
    return paths
