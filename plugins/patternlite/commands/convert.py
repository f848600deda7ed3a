"""`patternlite convert`: an ONNX file, or a PyTorch model as it is, to files that runtimes read."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import PatternliteError
from ..models.export import check_export
from ..models.named import load_model
from ..support.files import make_folder
from ..support.progress import Stages

if TYPE_CHECKING:
    from patternlite.pruning.convert import Conversion


def convert_to(
    model: str,
    outputs: Sequence[Path],
    weights: Path | None,
    input_shape: tuple[int, int, int] | None,
    stages: Stages,
) -> Iterator[Conversion]:
    """Writes `outputs`, .tflite or .mnn files, one by one, and yields what was verified of each.

    model: the path of a .onnx file (or of a .tflite file, for .mnn), or a PyTorch model as `load_model` takes
    it, with its `weights` and `input_shape`, (channels, height, width). Files converted here carry no masks:
    `prune` and `retrain` export pruned models themselves.
    """
    from patternlite.pruning.convert import CONVERTERS, to_onnx
    from patternlite.pruning.convert.staging import target_file

    for path in outputs:
        if path.suffix not in CONVERTERS:
            raise PatternliteError(f"cannot write {path.name}: give files ending in .tflite or .mnn")
        make_folder(target_file(path, path.suffix).parent)  # which is there; can it be written to?
    if ":" not in model or Path(model).exists():
        if weights or input_shape:
            raise PatternliteError(f"{model} is a file: --weights and --input-shape are for PyTorch models")
        yield from _converted(Path(model), outputs, stages)
        return
    if input_shape is None:
        raise PatternliteError(f"{model} is a PyTorch model: give its --input-shape, for example 3,224,224")
    network = load_model(model, weights)
    check_export(network, input_shape, [path.suffix for path in outputs])
    with tempfile.TemporaryDirectory() as folder:
        onnx = Path(folder, "model.onnx")
        with stages.stage(model):
            to_onnx(network, (1, *input_shape), onnx)
        yield from _converted(onnx, outputs, stages)


def _converted(source: Path, outputs: Sequence[Path], stages: Stages) -> Iterator[Conversion]:
    from patternlite.pruning.convert import CONVERTERS

    for path in outputs:
        with stages.stage(path.name):
            conversion = CONVERTERS[path.suffix](source, path)
        yield conversion
