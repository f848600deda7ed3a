"""`python -m benchmarks tune`: tunes a network for TVM within a budget, and logs it.

The log lies beside MetaSchedule's database and goes into the results: the figure of a tuned runtime says
little without its budget.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from patternlite.errors import PatternliteError
from patternlite.support.files import write_atomically
from patternlite.support.isolated import Isolated

from ..plain import read_json
from . import environment, tvm_relax, tvm_search
from .tvm_search import Kind

_LOG = "tuning.json"
_LIGHT_TRIALS = 8  # for layers such as pools, which take little of a network's time


@dataclass(frozen=True)
class Tuned:
    """A kind of layer, of which the network has `count`.

    wanted, tried, failed: candidates; fewer are wanted if no more exist.  seconds: that they took.
    milliseconds, gflops: of the best, with one thread.
    """

    name: str
    count: int
    wanted: int
    tried: int = 0
    failed: int = 0
    seconds: float = 0.0
    milliseconds: float | None = None
    gflops: float | None = None

    @property
    def done(self) -> bool:
        return self.tried >= self.wanted and self.milliseconds is not None


@dataclass(frozen=True)
class Tuning:
    """model: the ONNX file's name.  trials: candidates for each kind of layer that multiplies."""

    net: str
    model: str
    trials: int
    layers: tuple[Tuned, ...]

    @property
    def missing(self) -> str:
        """What must be done before the network counts as tuned; empty for nothing."""
        undone = sum(not layer.done for layer in self.layers)
        if not undone:
            return ""
        what = f"{undone} of {len(self.layers)} kinds of layers are not tuned"
        return f"{what}; run: python -m benchmarks tune {self.net} --trials {self.trials}"

    @property
    def budget(self) -> str:
        tried, seconds = sum(t.tried for t in self.layers), sum(t.seconds for t in self.layers)
        return (
            f"MetaSchedule tried {tried} candidates for {len(self.layers)} kinds of layers, "
            f"{self.trials} for each that multiplies, in {seconds / 60:.1f} minutes"
        )


def tuning_folder(path: Path) -> Path:
    """The folder with database and log for the network in this ONNX file (named by models/files.py)."""
    return path.with_name(f"{_net(path)}.tvm")


def tuning_of(path: Path) -> Tuning | None:
    """The log for this ONNX file's network."""
    log = tuning_folder(path) / _LOG
    return read_json(Tuning, log, "log of tuning") if log.exists() else None


def missing(path: Path) -> str:
    """What must be done before TVM counts as tuned; empty for nothing."""
    tuning = tuning_of(path)
    if tuning is None or tuning.model != path.name:  # another file may have other kinds of layers
        return f"not tuned; run: python -m benchmarks tune {_net(path)}"
    return tuning.missing


def budget(path: Path) -> str:
    tuning = tuning_of(path)
    return tuning.budget if tuning else ""


def tune_network(
    path: Path,
    trials: int,
    seconds: float,
    progress: Callable[[str, float], None] = lambda name, fraction: None,
) -> Tuning:
    """Tunes this ONNX file's kinds of layers, the most expensive first; resumes if it was stopped.

    seconds: no kind is begun after so many. Raises PatternliteError if TVM is not installed.
    """
    if environment.version("apache-tvm") is None:
        raise PatternliteError("TVM is not installed; run: python -m benchmarks rivals --install")
    before = tuning_of(path)
    began = time.monotonic()
    with Isolated(environment.python()) as process:
        kinds = process.call(tvm_search.begin, path, tuning_folder(path))
        tuning = _goal(path, kinds, trials, before)
        for i, kind in enumerate(kinds):
            layer = tuning.layers[i]
            if not layer.done and time.monotonic() - began < seconds:
                progress(kind.name, i / len(kinds))
                found = process.call(tvm_search.search, kind.name, layer.wanted - layer.tried)
                layers = (*tuning.layers[:i], _after(layer, found, kind), *tuning.layers[i + 1 :])
                tuning = replace(tuning, layers=layers)
            _write(tuning, tuning_folder(path) / _LOG)
        process.call(tvm_relax.keep_best, tuning_folder(path))
    return tuning


def _goal(path: Path, kinds: list[Kind], trials: int, before: Tuning | None) -> Tuning:
    """The log so far, for those kinds that the database still has, with the candidates now wanted."""
    known = {layer.name: layer for layer in before.layers} if before else {}
    trials = max(trials, before.trials if before else 0)
    layers = []
    for kind in kinds:
        wanted = trials if kind.heavy else _LIGHT_TRIALS
        layer = known.get(kind.name) if kind.records else None
        layers.append(replace(layer or Tuned(kind.name, kind.count, wanted), wanted=wanted))
    return Tuning(_net(path), path.name, trials, tuple(layers))


def _after(layer: Tuned, found: tvm_search.Found, kind: Kind) -> Tuned:
    tried = layer.tried + found.tried
    return replace(
        layer,
        wanted=tried if found.exhausted else layer.wanted,
        tried=tried,
        failed=layer.failed + found.failed,
        seconds=layer.seconds + found.seconds,
        milliseconds=found.milliseconds,
        gflops=1e3 * kind.gflop / found.milliseconds if found.milliseconds else None,
    )


def _write(tuning: Tuning, log: Path) -> None:
    write_atomically(log, json.dumps(asdict(tuning), indent=1) + "\n")


def _net(path: Path) -> str:
    return path.name.partition("-")[0]
