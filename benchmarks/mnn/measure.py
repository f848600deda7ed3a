"""One case, with one number of threads: everybody answers, then takes turns as in protocol.py.

Each contender has a process of its own: stock MNN one that never saw the plugin.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from patternlite.isolated import Isolated
from patternlite.timing import Timing, interleave, relative_difference, require_equal

from ..neighbours import NOBODY_ELSE, Neighbours, Watch
from ..player import Preparation, pin
from ..protocol import Conditions, Contender, prepare
from ..rivals import RIVALS
from . import player
from .files import MnnFile, image, mnn_file
from .plan import TORCH, Case, Plan


@dataclass(frozen=True)
class Measured:
    """One contender.

    rounds: the fastest call of each round, in ms.  operators: the least time of each, in ms.
    megabytes: what the session holds.
    differences: from torch's answer, and from those of other contenders with the same file; over their range.
    """

    label: str
    timing: Timing
    rounds: tuple[float, ...]
    operators: Mapping[str, float]
    megabytes: float
    differences: Mapping[str, float]

    @property
    def sum_of_operators(self) -> float:
        return sum(self.operators.values())


@dataclass(frozen=True)
class Outcome:
    """Mappings are by the contender's label.

    load: the machine's load average when the timing ended.  neighbours: what else had the cores meanwhile.
    """

    case: Case
    threads: int
    measured: Mapping[str, Measured]
    preparations: Mapping[str, Preparation]
    load: float
    neighbours: Neighbours = NOBODY_ELSE


Progress = Callable[[float], None]


def run_case(plan: Plan, case: Case, conditions: Conditions, folder: Path, progress: Progress) -> Outcome:
    """The files must exist already, or are made."""
    files = {label: mnn_file(folder, case.recipe, p.file) for label, p in plan.contenders.items()}
    measured, neighbours = _measure(plan, case, files, conditions, progress)
    load = os.getloadavg()[0]
    preparations = {
        label: prepare(Contender(label, p.rival, files[label].path, p.file), conditions)
        for label, p in plan.contenders.items()
        if p.prepare
    }
    return Outcome(case, conditions.threads, measured, preparations, load, neighbours)


def _bursts_of(process: Isolated) -> Callable[[int], list[float]]:
    return lambda count: process.call(player.burst, count)


def _measure(
    plan: Plan, case: Case, files: Mapping[str, MnnFile], conditions: Conditions, progress: Progress
) -> tuple[dict[str, Measured], Neighbours]:
    with ExitStack() as stack:
        processes: dict[str, Isolated] = {}
        for label, p in plan.contenders.items():
            processes[label] = stack.enter_context(Isolated())
            processes[label].call(pin, conditions.cores)
            processes[label].call(player.load, files[label].path, conditions.threads, p.plugin)
        x = image(case.recipe.net)
        answers = {label: process.call(player.answer, x) for label, process in processes.items()}
        differences = {
            label: _differences(label, files, answers, RIVALS[p.rival].tolerance)
            for label, p in plan.contenders.items()
        }
        bursts = {label: _bursts_of(process) for label, process in processes.items()}
        watch = Watch(conditions.cores, processes.values())
        rounds = interleave(bursts, seconds=conditions.seconds, progress=progress)
        neighbours = watch.so_far()
        measured = {
            label: Measured(
                label,
                Timing.of_rounds(rounds[label]),
                tuple(1e3 * min(burst) for burst in rounds[label]),
                {name: 1e3 * seconds for name, seconds in process.call(player.operators).items()},
                process.call(player.memory),
                differences[label],
            )
            for label, process in processes.items()
        }
        return measured, neighbours


def _differences(
    label: str, files: Mapping[str, MnnFile], answers: Mapping[str, np.ndarray], tolerance: float
) -> dict[str, float]:
    """Raises OutputMismatchError where torch answers otherwise."""
    file, answer = files[label], answers[label]
    others = [other for other in files if other != label and files[other] == file]
    return {
        **{other: relative_difference(answers[other], answer) for other in others},
        TORCH: require_equal(f"{file.path.name}, {label}", np.load(file.answer), answer, tolerance),
    }
