"""What was done to a model without any data: a small file to keep beside the pruned ones.

It names the model that went in and the masks that came out by their digests; the masks' digest is also in
every exported file, where `patternlite inspect` checks it against the zeros.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from torch import nn

from patternlite import __version__

from .config import PruneConfig
from .model.state import tensors_in
from .pipeline import PruneResult
from .support.fingerprint import digest_of

_PACKAGES = ("torch", "numpy", "safetensors")


@dataclass(frozen=True)
class Certificate:
    """What was done to a model, and on what grounds.

    date: UTC.  versions: package -> version.  statement: what the file certifies, in words.
    model: sha256 of the dense model's state_dict.  masks: `Masks.digest()` of the result.
    config: the run's options.  layers: from the report, name, shape, structure, kept weights, rate and error.
    dense: convolution left alone -> why.  gap, fidelity, times, processes, threads: as in PruneReport.
    """

    date: str
    versions: Mapping[str, str]
    statement: str
    model: str
    input_shape: tuple[int, int, int]
    config: Mapping[str, Any]
    masks: str
    layers: tuple[Mapping[str, Any], ...]
    dense: Mapping[str, str]
    gap: Mapping[str, float] | None
    fidelity: Mapping[str, Any] | None
    times: Mapping[str, Any] | None
    warnings: tuple[str, ...]
    processes: int
    threads: int

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def certify(
    model: nn.Module, input_shape: tuple[int, int, int], config: PruneConfig, result: PruneResult
) -> Certificate:
    """The certificate of a run.  model: the dense one that `prune` was given, unchanged since."""
    report = result.report
    columns = ("name", "shape", "structure", "weights", "rate", "relative_error")
    return Certificate(
        date=f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M UTC}",
        versions={"patternlite": __version__, "python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in _PACKAGES},
        statement=(
            "Pruned on images made by this program alone: no training, test or user image was read. "
            "What was known of the data: the model, its input's shape, mean and deviation."
        ),
        model=model_digest(model),
        input_shape=input_shape,
        config=asdict(config),
        masks=result.masks.digest(),
        layers=tuple({column: getattr(layer, column) for column in columns} for layer in report.layers),
        dense=report.dense,
        gap=asdict(report.gap) if report.gap else None,
        fidelity=asdict(report.fidelity),
        times=asdict(report.times) if report.times else None,
        warnings=tuple(report.warnings),
        processes=report.processes,
        threads=report.threads,
    )


def model_digest(model: nn.Module) -> str:
    """sha256 of a state_dict's tensors: names, types, shapes and bytes, sorted by name."""
    return digest_of(tensors_in(model))
