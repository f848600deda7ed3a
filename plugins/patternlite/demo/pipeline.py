"""The steps of the demo: prune, convert, check on real images, time."""

from __future__ import annotations

import contextlib
import datetime
import gzip
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import MissingPackageError, PatternliteError
from ..images.labelled import LabelledImages
from ..inspection import inspect
from ..layers import layers_of
from ..models.export import check_export
from ..report.results import (
    PLUGIN_PRUNED,
    STOCK_DENSE,
    STOCK_PRUNED,
    DemoResult,
    Example,
    FileSize,
    RuntimeAgreement,
)
from ..runtimes.check import check_runtime
from ..runtimes.installed import RUNTIMES, Runtime
from ..runtimes.latency import Contender, Latency, measure_latency
from ..runtimes.machine import describe_machine, versions
from ..support.files import make_folder
from ..support.isolated import Isolated
from ..support.native import load_native
from ..support.progress import Stages
from .evaluate import agreement, classify
from .network import INPUT_SHAPE, MEAN, STD, load_images, load_network

if TYPE_CHECKING:
    from torch import nn

    from patternlite.pruning import Masks, PruneConfig, PruneResult


@dataclass(frozen=True)
class DemoOptions:
    """output: the folder for models and reports.  latency: how many times faster the convolutions are to
    become.  seconds: the time for all timings together.
    """

    output: Path
    latency: float = 2.5
    threads: tuple[int, ...] = (1, 2)
    seed: int = 0
    seconds: float = 40.0


def run_demo(options: DemoOptions, stages: Stages) -> DemoResult:
    """Runs the whole demo; models are written to options.output.

    Raises OutputMismatchError when a runtime's answers change with the plugin.
    """
    runtimes = [r for r in RUNTIMES if r.installed]
    if not runtimes:
        raise MissingPackageError("any runtime", "pip install 'patternlite[convert,tflite,mnn]'")
    from patternlite.pruning import PruneConfig

    network, images = load_network(), load_images()
    suffixes = list(dict.fromkeys(r.suffix for r in runtimes))
    check_export(network, INPUT_SHAPE, suffixes)
    config = PruneConfig(latency=options.latency, mean=MEAN, std=STD, seed=options.seed)
    make_folder(options.output)
    _require_working(runtimes, stages)

    pruned = _prune(network, config, options.output, stages)
    models = {"dense": (network, None), "pruned": (pruned.model, pruned.masks)}
    paths = _convert(models, suffixes, options.output, stages)
    agreements, logits = _check(runtimes, paths, images, stages)
    latencies = _time(runtimes, paths, images.normalised(MEAN, STD)[:1], options, stages)
    load = os.getloadavg()[0]

    first = agreements[0]
    return DemoResult(
        date=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        machine=describe_machine(),
        versions=versions(),
        settings={"latency": options.latency, "seed": options.seed},
        images=len(images),
        dense_accuracy=first.accuracy[STOCK_DENSE],
        pruned_accuracy=first.accuracy[STOCK_PRUNED],
        agreements=tuple(agreements),
        files=tuple(file_size(paths[v, s], v) for s in suffixes for v in ("dense", "pruned")),
        latencies=tuple(latencies),
        layers=tuple(layers_of(inspect(paths["pruned", suffixes[0]]).layers)),
        pruning=pruned.report,
        stages=tuple(stages.seconds),
        load=load,
        missing={r.name: r.pip_command for r in RUNTIMES if not r.installed},
        examples=choose_examples(images, logits),
    )


def _require_working(runtimes: Sequence[Runtime], stages: Stages) -> None:
    """PatternliteError if a runtime cannot run a model with the plugin: better now than after pruning."""
    load_native()
    with stages.stage("Trying the runtimes") as advance:
        for i, runtime in enumerate(runtimes):
            advance(runtime.name, i / len(runtimes))
            check = check_runtime(runtime)
            if check.state != "ok":
                raise PatternliteError(f"{runtime.name} does not work ({check.detail}); run: {check.fix}")


def _prune(network: nn.Module, config: PruneConfig, output: Path, stages: Stages) -> PruneResult:
    from patternlite.pruning import prune

    with stages.stage("Pruning, no data") as advance:
        result = prune(network, input_shape=INPUT_SHAPE, config=config, progress=advance)
    result.masks.save(output / "masks.safetensors")
    return result


def _convert(
    models: Mapping[str, tuple[nn.Module, Masks | None]],
    suffixes: Sequence[str],
    output: Path,
    stages: Stages,
) -> dict[tuple[str, str], Path]:
    """(variant, suffix) -> the file."""
    from patternlite.pruning.convert import CONVERTERS, to_onnx

    paths = {}
    total, done = len(models) * (1 + len(suffixes)), 0
    with stages.stage("Converting") as advance:
        for variant, (model, masks) in models.items():
            onnx = output / f"{variant}.onnx"
            advance(onnx.name, done / total)
            to_onnx(model, (1, *INPUT_SHAPE), onnx, masks)
            done += 1
            for suffix in suffixes:
                path = onnx.with_suffix(suffix)
                advance(path.name, done / total)
                CONVERTERS[suffix](onnx, path)
                paths[variant, suffix] = path
                done += 1
    return paths


def _check(
    runtimes: Sequence[Runtime],
    paths: Mapping[tuple[str, str], Path],
    images: LabelledImages,
    stages: Stages,
) -> tuple[list[RuntimeAgreement], dict[str, np.ndarray]]:
    """Runs the images through every runtime. Also returns the first runtime's logits, by label."""
    inputs = images.normalised(MEAN, STD)
    logits: dict[str, dict[str, np.ndarray]] = {}
    # All at once, with one thread each: answers are checked here, nothing is timed.
    with stages.stage(f"Checking on {len(images):,} images") as advance, contextlib.ExitStack() as stack:
        begun = {}
        for runtime in runtimes:
            process = stack.enter_context(Isolated())
            dense, pruned = (paths[v, runtime.suffix] for v in ("dense", "pruned"))
            begun[process.begin(classify, runtime.name, dense, pruned, inputs)] = runtime, process
        for done in as_completed(begun):
            runtime, process = begun[done]
            logits[runtime.name] = process.result(done)
            advance(f"{len(logits)} of {len(runtimes)} runtimes", len(logits) / len(runtimes))
    agreements = [agreement(r.name, logits[r.name], images.labels) for r in runtimes]
    return agreements, logits[runtimes[0].name]


def _time(
    runtimes: Sequence[Runtime],
    paths: Mapping[tuple[str, str], Path],
    image: np.ndarray,
    options: DemoOptions,
    stages: Stages,
) -> list[Latency]:
    latencies: list[Latency] = []
    cases = len(runtimes) * len(options.threads)
    with stages.stage("Timing") as advance:
        for runtime in runtimes:
            dense, pruned = (paths[v, runtime.suffix] for v in ("dense", "pruned"))
            contenders = (
                Contender(STOCK_DENSE, dense),
                Contender(STOCK_PRUNED, pruned),
                Contender(PLUGIN_PRUNED, pruned, plugin=True),
            )
            with Isolated() as process:
                for threads in options.threads:
                    advance(f"{runtime.name}, threads {threads}", len(latencies) / (cases * len(contenders)))
                    latencies += process.call(
                        measure_latency,
                        runtime.name,
                        contenders,
                        threads=threads,
                        seconds=options.seconds / cases,
                        image=image,
                    )
    return latencies


def file_size(path: Path, variant: str) -> FileSize:
    data = path.read_bytes()
    return FileSize(path.name, variant, len(data), len(gzip.compress(data, 9, mtime=0)))


def choose_examples(
    images: LabelledImages, logits: Mapping[str, np.ndarray], disputed: int = 8
) -> tuple[Example, ...]:
    """The first image of each class, then up to `disputed` on which dense and pruned differ."""
    dense, pruned = (logits[label].argmax(1) for label in (STOCK_DENSE, PLUGIN_PRUNED))
    chosen = [int(np.flatnonzero(images.labels == c)[0]) for c in range(len(images.classes))]
    chosen += [int(i) for i in np.flatnonzero(dense != pruned) if i not in chosen][:disputed]
    name = images.classes
    return tuple(
        Example(images.pixels[i], name[images.labels[i]], name[dense[i]], name[pruned[i]]) for i in chosen
    )
