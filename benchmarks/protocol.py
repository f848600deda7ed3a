"""How everything here is timed.

Each runtime has a process of its own, which stays alive and holds its models both stock and with our plugin.
Only one model runs at any moment: a short burst of calls, then it is the next one's turn, in rounds
(patternlite.timing). Neighbours on a shared machine then disturb all alike, and ratios are taken within
rounds. Nothing is timed before its answer was compared.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np

from patternlite.isolated import Isolated
from patternlite.timing import Timing, interleave, require_equal

from . import player
from .rivals import RIVALS


@dataclass(frozen=True)
class Contender:
    """model: contenders of the same name run the same weights, and must give the same answer."""

    label: str
    rival: str
    path: Path
    model: str


@dataclass(frozen=True)
class Conditions:
    """cores: those that everything runs on, as many as threads.  clock: of player.CLOCKS."""

    threads: int
    cores: tuple[int, ...]
    seconds: float
    clock: str = "wall"


@dataclass(frozen=True)
class Measured:
    """One contender under some conditions.

    rounds: the fastest call of each round, in ms.
    difference: from the first answer of the same model, over that answer's range.
    kernels: that the plugin ran convolutions with, each once, "stock" where it left one; none without it.
    """

    label: str
    timing: Timing
    rounds: tuple[float, ...]
    difference: float
    kernels: tuple[str, ...] = ()


def measure(
    contenders: Sequence[Contender],
    conditions: Conditions,
    progress: Callable[[float], None] = lambda fraction: None,
    witnesses: Sequence[Contender] = (),
) -> dict[str, Measured]:
    """By label. Raises OutputMismatchError if contenders with the same model answer differently, and
    ValueError where one alone runs a model.

    witnesses: answer as well, before the contenders, and are not timed.
    """
    with ExitStack() as stack:
        processes: dict[str, Isolated] = {}
        for c in (*witnesses, *contenders):
            name = RIVALS[c.rival].process
            if name not in processes:
                processes[name] = stack.enter_context(Isolated(RIVALS[c.rival].python))
                processes[name].call(player.pin, conditions.cores)
            processes[name].call(player.load, c.label, c.rival, c.path, conditions.threads)
        differences = _compare((*witnesses, *contenders), processes)
        bursts = {
            c.label: partial(_burst, processes[RIVALS[c.rival].process], c.label, conditions.clock)
            for c in contenders
        }
        rounds = interleave(bursts, seconds=conditions.seconds, progress=progress)
        kernels = {
            c.label: processes[RIVALS[c.rival].process].call(player.kernels, c.label) for c in contenders
        }
    return {
        label: Measured(
            label,
            Timing.of_rounds(bursts_of),
            tuple(1e3 * min(burst) for burst in bursts_of),
            differences[label],
            kernels[label],
        )
        for label, bursts_of in rounds.items()
    }


def _burst(process: Isolated, label: str, clock: str, count: int) -> list[float]:
    return process.call(player.burst, label, count, clock)


def _compare(contenders: Sequence[Contender], processes: Mapping[str, Isolated]) -> dict[str, float]:
    models = Counter(c.model for c in contenders)
    if alone := [c.label for c in contenders if models[c.model] == 1]:
        raise ValueError(f"no other answer to compare with that of {alone[0]}: give a witness")
    image: np.ndarray | None = None
    references: dict[str, np.ndarray] = {}
    differences = {}
    for c in contenders:
        process = processes[RIVALS[c.rival].process]
        if image is None:
            shape = process.call(player.input_shape, c.label)
            image = np.random.default_rng(0).standard_normal(shape, np.float32)
        answer = process.call(player.answer, c.label, image)
        reference = references.setdefault(c.model, answer)
        what, tolerance = f"{c.path.name}, {c.label}", RIVALS[c.rival].tolerance
        differences[c.label] = require_equal(what, reference, answer, tolerance)
    return differences


class Rounds(Protocol):
    @property
    def rounds(self) -> tuple[float, ...]: ...


def speed_up(baseline: Rounds, other: Rounds) -> float:
    """How many times faster `other` is: the median over rounds of the ratio within the round."""
    return statistics.median(b / o for b, o in zip(baseline.rounds, other.rounds, strict=True))


def prepare(rival: str, path: Path, conditions: Conditions, repeats: int = 3) -> player.Preparation:
    """What loading costs, at least: each time in a fresh process."""
    results = []
    for _ in range(repeats):
        with Isolated() as process:
            process.call(player.pin, conditions.cores)
            results.append(process.call(player.prepare, rival, path, conditions.threads, conditions.clock))
    return player.Preparation(min(r.seconds for r in results), min(r.peak_bytes for r in results))
