"""`python -m benchmarks tune`: what TVM may spend on a network before it is timed."""

from __future__ import annotations

from pathlib import Path

from patternlite.errors import PatternliteError
from patternlite.isolated import Isolated
from patternlite.progress import Advance

from ..model_files import ModelFiles
from . import RIVALS, tuning_folder, tvm_relax


def tune_network(files: ModelFiles, net: str, trials: int, seconds: float, advance: Advance) -> str:
    """Says what was spent on it in all."""
    rival = RIVALS["tvm, tuned"]
    if rival.version() is None:
        raise PatternliteError("TVM is not installed; run: python -m benchmarks rivals --install")
    advance("model", 0.0)
    path = files.as_format(files.dense(net), rival.suffix)
    advance("kinds of layers", 0.1)
    with Isolated(rival.python) as process:
        process.call(_tune, path, tuning_folder(path), trials, seconds)
    return tvm_relax.budget(tuning_folder(path))


def _tune(path: Path, folder: Path, trials: int, seconds: float) -> None:
    for _ in tvm_relax.tune(path, folder, trials, seconds):
        pass
