"""Measures the rows of the accuracy table. Finished rows are kept: a run that was cut short resumes."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cached_property, partial
from pathlib import Path

import torch
from torch import nn

from patternlite.errors import PatternliteError
from patternlite.images.labelled import LabelledImages, read_images
from patternlite.models.named import load_model
from patternlite.models.weights import load_weights, save_weights
from patternlite.pruning import Masks, PruneConfig, prune
from patternlite.pruning.certificate import model_digest
from patternlite.pruning.convert import to_onnx, to_tflite
from patternlite.runtimes.latency import Contender, measure_latency
from patternlite.runtimes.machine import describe_machine
from patternlite.support.files import write_atomically
from patternlite.support.isolated import Isolated
from patternlite.support.progress import Advance, Stages

from ..plain import read_json
from ..results import REVISION, is_dirty
from ..timing.neighbours import Watch
from ..timing.worker import pin
from .client import accuracy, retrain, some_of
from .plan import NOBODY, Job, Plan
from .results import Row, Speed, row_of, timed
from .training import Course, train

_SHAPE = (3, 32, 32)
_RUNTIME = "ai-edge-litert"


def weights_of(arguments: Sequence[str]) -> dict[str, Path]:
    """Network -> weights, from arguments "network=path"."""
    pairs = [argument.partition("=") for argument in arguments]
    if wrong := [name for name, equals, _ in pairs if not equals]:
        raise PatternliteError(f"{wrong[0]!r} names no weights: give NETWORK=PATH")
    return {name: Path(path) for name, _, path in pairs}


class Laboratory:
    """Measures rows.  data: <split>/<class>/*.jpg in a folder, zip or tar.  weights: network -> file.

    folder: where rows and models are kept.
    """

    def __init__(self, plan: Plan, data: Path, weights: Mapping[str, Path], folder: Path) -> None:
        if unknown := set(weights) - set(plan.networks):
            raise PatternliteError(f"no such network: {min(unknown)}; known: {', '.join(plan.networks)}")
        self._plan, self._data, self._weights = plan, data, dict(weights)
        self._folder = folder.absolute()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._models: dict[str, nn.Module] = {}
        self._dense: dict[str, float] = {}

    @cached_property
    def _test(self) -> LabelledImages:
        return read_images(self._data, "test")

    @cached_property
    def _train(self) -> LabelledImages:
        return read_images(self._data, "train")

    def known(self, job: Job) -> Row | None:
        """The row, if it was measured before with the same settings and weights."""
        path = self._path(job, ".json")
        return read_json(Row, path, "row of these benchmarks") if path.is_file() else None

    def measure(self, job: Job, advance: Advance) -> Row:
        """Prunes, or retrains what was pruned (pruning it first where that is missing), and tests."""
        row = self._pruned(job, advance) if job.client == NOBODY else self._retrained(job, advance)
        self._keep(job, row)
        return row

    def time(self, job: Job, threads: int, seconds: float) -> Row:
        """Adds the speed of the pruned model to the job's row."""
        row = self.known(job)
        assert row is not None
        dense_file, pruned_file = (self._tflite(job, dense) for dense in (True, False))
        contenders = [
            Contender("dense", dense_file),
            Contender("pruned, stock", pruned_file),  # the plugin's answer is compared with it
            Contender("pruned", pruned_file, plugin=True),
        ]
        cores = tuple(sorted(os.sched_getaffinity(0))[:threads])
        with Isolated() as process:
            process.call(pin, cores)
            watch = Watch(cores, [process])
            stock, _, ours = process.call(
                measure_latency, _RUNTIME, contenders, threads=threads, seconds=seconds
            )
            neighbours = watch.so_far()
        row = replace(
            row,
            speed=Speed(
                _RUNTIME,
                threads,
                stock.timing.minimum,
                ours.timing.minimum,
                REVISION,
                describe_machine(),
                os.getloadavg()[0],
                neighbours,
            ),
        )
        self._keep(job, row)
        return row

    def _pruned(self, job: Job, advance: Advance) -> Row:
        network = self._plan.networks[job.case.network]
        dense = self._dense_accuracy(job)
        began = time.perf_counter()
        result = prune(self._model(job), _SHAPE, self._config(job), advance)
        seconds = time.perf_counter() - began
        save_weights(result.model, self._path(job, ".safetensors"))
        result.masks.save(self._path(job, ".masks.safetensors"))
        report = result.report
        return row_of(
            job,
            dense=dense,
            accuracy=accuracy(result.model, self._test, network),
            rate=report.rate,
            mac_rate=report.mac_rate,
            parameter_rate=report.parameter_rate,
            gap=(report.gap.mean, report.gap.deviation) if report.gap else None,
            agreement=report.fidelity.agreement,
            warnings=tuple(report.warnings),
            seconds=seconds,
            load=os.getloadavg()[0],
            revision=REVISION,
        )

    def _retrained(self, job: Job, advance: Advance) -> Row:
        start = replace(job, client=NOBODY)
        before = self.known(start) or self.measure(start, advance)
        config = self._plan.retraining(job.case, job.client, job.seed)
        model, masks = self._fresh(job), Masks.load(self._path(start, ".masks.safetensors"))
        load_weights(model, self._path(start, ".safetensors"))
        images = some_of(self._train, self._plan.clients[job.client].images, job.seed)
        began = time.perf_counter()
        progress = partial(advance, "retraining")
        retrain(model, self._model(job), masks, images, config, progress)
        seconds = time.perf_counter() - began
        masks.verify(model)
        right = accuracy(model, self._test, self._plan.networks[job.case.network])
        return replace(
            before, client=job.client, accuracy=right, seconds=seconds, load=os.getloadavg()[0],
            revision=REVISION, speed=None,
        )  # fmt: skip

    def _config(self, job: Job) -> PruneConfig:
        return self._plan.pruning(job.case, job.recipe, job.seed)

    def untrained(self, jobs: Sequence[Job]) -> list[str]:
        """The networks of these jobs that must be trained first.

        Raises PatternliteError for one that would be measured without having been trained.
        """
        without = sorted({job.case.network for job in jobs} - set(self._weights))
        names = [name for name in without if not self._plan.networks[name].trained]
        for name in names:
            if not self._plan.networks[name].training:
                raise PatternliteError(f"{name} is not trained: give its weights, --weights {name}=PATH")
        return names

    def train(self, name: str, advance: Advance) -> None:
        """Trains a network, once for all runs."""
        network = self._plan.networks[name]
        course = Course(network.training, network.mean, network.std)
        content = {"model": network.model, "course": asdict(course), "data": str(self._data.absolute())}
        path = self._folder / f"{name}-trained-{_digest(content)}.safetensors"
        if not path.is_file():
            torch.manual_seed(course.seed)
            model = load_model(network.model)
            train(model, self._train, course, path.with_suffix(".checkpoint"), advance)
            save_weights(model, path)
        self._weights[name] = path

    def _fresh(self, job: Job) -> nn.Module:
        name = job.case.network
        return load_model(self._plan.networks[name].model, self._weights.get(name))

    def _model(self, job: Job) -> nn.Module:
        return self._models.setdefault(job.case.network, self._fresh(job))

    def _dense_accuracy(self, job: Job) -> float:
        name = job.case.network
        if name not in self._dense:
            self._dense[name] = accuracy(self._model(job), self._test, self._plan.networks[name])
        return self._dense[name]

    def _tflite(self, job: Job, dense: bool) -> Path:
        stem = f"{job.case.network}-{model_digest(self._model(job))[:12]}"
        path = self._folder / f"{stem}.tflite" if dense else self._path(job, ".tflite")
        if not path.is_file():
            model, masks = self._fresh(job), None
            if not dense:
                load_weights(model, self._path(job, ".safetensors"))
                masks = Masks.load(self._path(job, ".masks.safetensors"))
            to_tflite(to_onnx(model, (1, *_SHAPE), path.with_suffix(".onnx"), masks), path)
        return path

    def _path(self, job: Job, suffix: str) -> Path:
        """A file named by what it holds and by a digest of the settings, so that others get other files."""
        content = {
            "model": model_digest(self._model(job)),
            "config": asdict(self._config(job)),
            "data": str(self._data.absolute()),
        }
        if job.client != NOBODY:
            content["client"] = asdict(self._plan.clients[job.client])
        digest = _digest(content)
        name = re.sub("[ ,]+", "-", "-".join((job.case.name, job.recipe, job.client, str(job.seed))))
        return self._folder / f"{name}-{digest}{suffix}"

    def _keep(self, job: Job, row: Row) -> None:
        write_atomically(self._path(job, ".json"), json.dumps(asdict(row), indent=1) + "\n")


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


def run(
    laboratory: Laboratory, jobs: Sequence[Job], stages: Stages, keep: Callable[[list[Row]], None]
) -> list[Row]:
    """All rows, in the order of the jobs.  keep: called with the rows so far, after each one."""
    rows: list[Row] = []
    fresh: dict[str, list[float]] = {}  # seconds of those measured now, by client
    for i, job in enumerate(jobs):
        row = laboratory.known(job)
        if row is None:
            left = _left(jobs[i:], laboratory, fresh)
            with stages.stage(f"{i + 1}/{len(jobs)} {job}{left}") as advance:
                began = time.perf_counter()
                row = laboratory.measure(job, advance)
            fresh.setdefault(job.client, []).append(time.perf_counter() - began)
        rows.append(row)
        keep(rows)
    return rows


def time_rows(
    laboratory: Laboratory,
    jobs: Sequence[Job],
    rows: Sequence[Row],
    threads: int,
    seconds: float,
    stages: Stages,
    keep: Callable[[list[Row]], None],
) -> list[Row]:
    """The rows; those as pruned have a speed measured by this commit on this machine.

    keep: called with all rows after each one that was timed.
    """
    rows = list(rows)
    for i, job in enumerate(jobs):
        if job.client == NOBODY and not _is_timed(rows[i], threads):
            with stages.stage(f"timing {job}"):
                rows[i] = laboratory.time(job, threads, seconds)
            keep(rows)
    return rows


def _is_timed(row: Row, threads: int) -> bool:
    """Whether the row was timed by this commit on this machine, while that was not too busy."""
    speed, machine = row.speed, describe_machine()
    return (
        speed is not None
        and (speed.threads, speed.revision, speed.machine) == (threads, REVISION, machine)
        and not is_dirty(REVISION)
        and not timed(row, speed).too_busy(machine)
    )


def _left(jobs: Sequence[Job], laboratory: Laboratory, fresh: Mapping[str, Sequence[float]]) -> str:
    """How long the rest will take, if every kind of job in it has been timed before; otherwise empty."""
    seconds = 0.0
    for job in jobs:
        if seen := fresh.get(job.client):
            seconds += sum(seen) / len(seen) if laboratory.known(job) is None else 0.0
        else:
            return ""
    return f", {seconds / 60:.0f} min left"
