"""`patternlite retrain`: a pruned model and the client's own images in, weights with the same zeros out."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import PatternliteError, one_line
from ..images.labelled import LabelledImages, read_images
from ..models.export import check_export, export, exported_files, remove_exports
from ..models.weights import save_weights
from ..support.files import require_target_folder, require_targets
from ..support.progress import Stages
from .resuming import resumable

if TYPE_CHECKING:
    from torch import Tensor, nn

    from patternlite.pruning import Masks


@dataclass(frozen=True)
class Retrained:
    """before, after: accuracy on the test images.  paths: the files written, the weights first.

    `str()` says it in a line, and warns of a loss.
    """

    before: float
    after: float
    paths: list[Path]

    def __str__(self) -> str:
        text = f"{self.before:.2%} of the test images right before, {self.after:.2%} after"
        if self.after < self.before:
            text += (
                "\nwarning: that is worse: give a lower --learning-rate, and --no-flip where classes differ "
                "by mirroring, as digits and signs do"
            )
        return text


def retrain_to(
    output: Path,
    model: nn.Module,
    masks: Path,
    data: Path,
    options: Mapping[str, Any],
    suffixes: Sequence[str],
    stages: Stages,
    dense: nn.Module | None = None,
    sources: Sequence[Path] = (),
) -> Retrained:
    """Retrains on the split `train` and tests on `test` of a folder, zip or tar of <split>/<class>/*.jpg.

    Writes the weights to `output`, a .safetensors file, and beside it the converted model for each of
    `suffixes` (".tflite", ".mnn"), with the .onnx file that these are made from; those of an earlier run are
    removed. A checkpoint lies beside it until the run is over: a run that was stopped resumes from its last
    whole epoch.

    options: those of RetrainConfig.  dense: the model before pruning, to learn from.  sources: the files that
    the models were read from; these, `masks` and `data` are never overwritten. All images are held in memory,
    and must have one size.
    """
    import torch

    from patternlite.pruning.config import RetrainConfig
    from patternlite.pruning.model.state import require_float32
    from patternlite.pruning.normalisation import Normalisation
    from patternlite.pruning.retrain import accuracy, retrain
    from patternlite.pruning.support.checkpoint import discard

    _require_one_process()
    if dense is model:
        raise PatternliteError("the callable returns one module again and again: let it make a new one")
    _require_targets(output, suffixes, [masks, data, *sources])
    config = RetrainConfig(**options)
    found = _masks(masks)
    _require_masked(model, found)
    require_float32(model)
    with stages.stage("Reading images") as advance:
        train = read_images(data, "train", len(config.mean))
        advance("train", 0.8)
        test = read_images(data, "test", len(config.mean))
    _require_alike(data, train, test)
    model = model.to(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    (x, y), (test_x, test_y) = (
        (torch.from_numpy(images.pixels), torch.from_numpy(images.labels)) for images in (train, test)
    )
    shape = tuple(train.pixels.shape[1:])
    normalise = Normalisation(config.mean, config.std)
    _require_an_output_for_each_class(model, normalise(test_x[:1].float() / 255), train.classes)
    check_export(model, shape, suffixes)
    before = accuracy(model, test_x, test_y, normalise)
    checkpoint = output.with_suffix(".checkpoint")
    with resumable(output.parent, checkpoint):
        with stages.stage("Retraining") as advance:
            retrain(model, found, x, y, config, advance, checkpoint, dense)
        after = accuracy(model, test_x, test_y, normalise)
        save_weights(model, output)
        remove_exports(output.with_suffix(".onnx"))
        paths = export(model.cpu(), shape, found, output.with_suffix(".onnx"), suffixes, stages)
        discard(checkpoint)  # everything is written
    return Retrained(before, after, [output, *paths])


def _require_one_process() -> None:
    """PatternliteError under torchrun, whose processes would all write the same files."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise PatternliteError("retraining is the work of one process: run it without torchrun")


def _masks(path: Path) -> Masks:
    from patternlite.pruning import Masks

    try:
        return Masks.load(path)
    except ValueError as error:
        raise PatternliteError(f"{one_line(error)}: give masks.safetensors, as prune wrote it") from error


def _require_masked(model: nn.Module, masks: Masks) -> None:
    if broken := masks.broken(model):
        raise PatternliteError(
            f"the weights are not those of these masks (not zero where they should be: {broken[0]}): give "
            "pruned.safetensors as --weights, and the weights before pruning as --dense"
        )


def _require_targets(output: Path, suffixes: Sequence[str], sources: Sequence[Path]) -> None:
    if output.suffix != ".safetensors":
        raise PatternliteError(f"weights are written to .safetensors, not {output.name}")
    require_targets([output, *exported_files(output.with_suffix(".onnx"), suffixes)], sources)
    require_target_folder(output.with_suffix(".checkpoint"))


def _require_an_output_for_each_class(model: nn.Module, image: Tensor, classes: tuple[str, ...]) -> None:
    import torch

    from patternlite.pruning.model.state import device_of

    model.eval()
    try:
        with torch.no_grad():
            answer = model(image.to(device_of(model)))
    except Exception as error:  # the user's code may raise anything
        raise PatternliteError(
            f"the model does not run on your images of {tuple(image.shape[1:])} ({one_line(error)}): resize "
            "them, or give as many means as it has channels"
        ) from error
    if not isinstance(answer, torch.Tensor) or answer.shape != (1, len(classes)):
        given = tuple(answer.shape[1:]) if isinstance(answer, torch.Tensor) else type(answer).__name__
        raise PatternliteError(
            f"the images are of {len(classes)} classes ({classes[0]} to {classes[-1]}), the model answers "
            f"with {given} for each: give a folder for each of its classes, named in their order"
        )


def _require_alike(data: Path, train: LabelledImages, test: LabelledImages) -> None:
    """PatternliteError unless both splits have the same classes and images of the same size."""
    if train.classes != test.classes:
        odd = sorted(set(train.classes) ^ set(test.classes))
        raise PatternliteError(f"{data}: the class {odd[0]} is in only one of train and test; put it in both")
    one, other = (images.pixels.shape[2:] for images in (train, test))
    if one != other:
        raise PatternliteError(
            f"{data}: images are of {one[0]}x{one[1]} in train and of {other[0]}x{other[1]} in test: resize "
            "them to what the model was trained with"
        )
