"""`patternlite prune`: a model in, pruned files out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import missing_packages
from ..models.export import check_export, export, exported_files, remove_exports
from ..models.weights import save_weights
from ..report.page import render_prune_page
from ..support.files import require_target_folder, require_targets, write_atomically
from ..support.progress import Stages
from .resuming import resumable
from .words import as_typed

if TYPE_CHECKING:
    from torch import nn

    from patternlite.pruning import PruneResult

_FILES = ("pruned.safetensors", "masks.safetensors", "report.json", "certificate.json", "report.html")


def prune_to(
    output: Path,
    model: nn.Module,
    input_shape: tuple[int, int, int],
    options: Mapping[str, Any],
    suffixes: Sequence[str],
    stages: Stages,
    sources: Sequence[Path] = (),
) -> tuple[PruneResult, list[Path]]:
    """Prunes, and writes into the folder `output`: pruned.safetensors, masks.safetensors, report.json,
    certificate.json and, for each of `suffixes` (".tflite", ".mnn"), the converted model; also report.html if
    the packages that draw it are installed.

    Files of an earlier run that this one does not write are removed once the new weights are written. A run
    that was stopped resumes from what the folder holds; if it had finished nothing, nothing is left behind.
    Under torchrun all processes prune together, and the first one writes. The report's warnings name options
    as the command line does.

    options: those of PruneConfig.  sources: the files that the model was read from, which are never
    overwritten. Returns the result and the paths written.
    """
    from patternlite.pruning import PruneConfig, certify, prune
    from patternlite.pruning.support.checkpoint import discard
    from patternlite.pruning.support.distributed import Group, torchrun

    config = PruneConfig(**options)
    targets = weights, masks, report, proof, page = tuple(output / name for name in _FILES)
    onnx = weights.with_suffix(".onnx")
    require_targets([*targets, *exported_files(onnx, suffixes)], sources)
    checkpoint = output / "pruned.checkpoint"
    require_target_folder(checkpoint)
    check_export(model, input_shape, suffixes)
    with resumable(output, checkpoint):
        with torchrun() as device, stages.stage("Pruning, no data") as advance:
            first = Group.current().first
            result = prune(model.to(device), input_shape, config, advance, checkpoint)
        result.model.cpu()
        model.cpu()
        if not first:
            return result, []
        result.report.warnings[:] = map(as_typed, result.report.warnings)
        certificate = certify(model, input_shape, config, result)
        save_weights(result.model, weights)
        result.masks.save(masks)
        write_atomically(report, json.dumps(result.report.to_dict(), indent=2) + "\n")
        write_atomically(proof, json.dumps(certificate.to_dict(), indent=2) + "\n")
        paths = [weights, masks, report, proof]
        page.unlink(missing_ok=True)
        remove_exports(onnx)
        if not missing_packages("jinja2", "matplotlib"):
            paths.append(page)
            write_atomically(page, render_prune_page(result.report, certificate))
        paths += export(result.model, input_shape, result.masks, onnx, suffixes, stages)
        discard(checkpoint)  # everything is written
    return result, paths
