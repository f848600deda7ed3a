"""How everything here is timed.

Each runtime has a process of its own, which stays alive and holds its models both stock and with our plugin.
Only one model runs at any moment: after a short burst of calls it is the next one's turn, in rounds
(patternlite.runtimes.timing). So neighbours on a shared machine disturb all alike, and ratios are taken
within rounds. Nothing is timed before its answer has been compared.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import ParamSpec, Protocol, TypeVar

import numpy as np

from patternlite.errors import OutputMismatchError, PatternliteError, one_line
from patternlite.runtimes.timing import Timing, interleave, require_equal
from patternlite.support.isolated import Isolated

from ..rivals import RIVALS
from . import worker
from .neighbours import Neighbours, Watch

_WATCHED = 0.25  # of the seconds are spent, additionally, on timing operators

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Contender:
    """model: contenders with the same name here run the same weights, and must give the same answer.

    watch: whether each operator is timed, too, after everything else; only MNN can be watched.
    """

    label: str
    rival: str
    path: Path
    model: str
    watch: bool = False


@dataclass(frozen=True)
class Conditions:
    """cores: those on which everything runs, as many as threads.  clock: a key of worker.CLOCKS."""

    threads: int
    cores: tuple[int, ...]
    seconds: float
    clock: str = "wall"


@dataclass(frozen=True)
class Measured:
    """One contender under some conditions.

    rounds: the fastest call of each round, in ms.
    difference: from the first answer of the same model, over that answer's range.
    kernels: with which the plugin ran convolutions, each once, "stock" if it left one; empty without it.
    operators: the least time of each, in ms.  megabytes: what the session holds. Both only if watched.
    """

    label: str
    timing: Timing
    rounds: tuple[float, ...]
    difference: float
    kernels: tuple[str, ...] = ()
    operators: Mapping[str, float] = field(default_factory=dict)
    megabytes: float = 0.0

    @property
    def sum_of_operators(self) -> float:
        return sum(self.operators.values())


class ContenderError(PatternliteError):
    """A contender, with this label, does not run."""

    def __init__(self, label: str, why: str) -> None:
        super().__init__(f"{label}: {why}")
        self.label, self.why = label, why


class WrongAnswerError(ContenderError, OutputMismatchError):
    """A rival's wrong answer, with which our plugin has nothing to do."""


@dataclass(frozen=True)
class _Seat:
    """A contender, and the process that it runs in."""

    contender: Contender
    process: Isolated

    def call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return self.process.call(function, *args, **kwargs)
        except Exception as error:
            raise ContenderError(self.contender.label, one_line(error)) from error


def measure(
    contenders: Sequence[Contender],
    conditions: Conditions,
    progress: Callable[[float], None] = lambda fraction: None,
    witnesses: Sequence[Contender] = (),
) -> tuple[dict[str, Measured], Neighbours]:
    """Label -> what was measured, and what else used the cores meanwhile.

    witnesses: give answers before the contenders do, and are not timed.
    Raises ContenderError if one cannot be run, OutputMismatchError if contenders with the same model answer
    differently, and ValueError if a model is run only by one of them, or only by the plugin.
    """
    _require_witnesses((*witnesses, *contenders))
    with ExitStack() as stack:
        processes: dict[str, Isolated] = {}
        seats: list[_Seat] = []
        for c in (*witnesses, *contenders):
            name = RIVALS[c.rival].process
            if name not in processes:
                processes[name] = stack.enter_context(Isolated(RIVALS[c.rival].python))
                _Seat(c, processes[name]).call(worker.pin, conditions.cores)
            seats.append(_Seat(c, processes[name]))
            seats[-1].call(worker.load, c.label, c.rival, c.path, conditions.threads)
        differences = _compare(seats)
        timed = {seat.contender.label: seat for seat in seats[len(witnesses) :]}
        bursts = {label: partial(_burst, seat, conditions.clock) for label, seat in timed.items()}
        watch = Watch(conditions.cores, processes.values())
        rounds = interleave(bursts, seconds=conditions.seconds, progress=progress)
        neighbours = watch.so_far()
        measured = {
            label: Measured(
                label,
                Timing.of_rounds(rounds[label]),
                tuple(1e3 * min(burst) for burst in rounds[label]),
                differences[label],
                seat.call(worker.kernels, label),
            )
            for label, seat in timed.items()
        }
        return measured | _watched(timed, measured, conditions), neighbours


def _watched(
    timed: Mapping[str, _Seat], measured: Mapping[str, Measured], conditions: Conditions
) -> dict[str, Measured]:
    """The contenders to be watched, with their operators' times, taken in turns, too, in slower calls."""
    seats = {label: seat for label, seat in timed.items() if seat.contender.watch}
    if seats:
        bursts = {label: partial(_watched_burst, seat) for label, seat in seats.items()}
        interleave(bursts, seconds=_WATCHED * conditions.seconds)
    return {
        label: replace(
            measured[label],
            operators={name: 1e3 * s for name, s in seat.call(worker.operators, label).items()},
            megabytes=seat.call(worker.megabytes, label),
        )
        for label, seat in seats.items()
    }


def _watched_burst(seat: _Seat, count: int) -> list[float]:
    return seat.call(worker.watched, seat.contender.label, count)


def _burst(seat: _Seat, clock: str, count: int) -> list[float]:
    return seat.call(worker.burst, seat.contender.label, count, clock)


def _compare(seats: Sequence[_Seat]) -> dict[str, float]:
    image: np.ndarray | None = None
    references: dict[str, np.ndarray] = {}
    differences = {}
    for seat in seats:
        c, rival = seat.contender, RIVALS[seat.contender.rival]
        if image is None:
            shape = seat.call(worker.input_shape, c.label)
            image = np.random.default_rng(0).standard_normal(shape, np.float32)
        answer = seat.call(worker.answer, c.label, image)
        reference = references.setdefault(c.model, answer)
        what = f"{c.path.name}, {c.label}" if rival.plugin else c.path.name
        try:
            differences[c.label] = require_equal(what, reference, answer, rival.tolerance, ours=rival.plugin)
        except OutputMismatchError as error:
            if rival.plugin:
                raise
            raise WrongAnswerError(c.label, one_line(error)) from error
    return differences


def _require_witnesses(contenders: Sequence[Contender]) -> None:
    """Raises ValueError if an answer would be compared only with itself, or ours only with ours."""
    answering: dict[str, list[Contender]] = defaultdict(list)
    for c in contenders:
        answering[c.model].append(c)
    for same in answering.values():
        alone = len(same) == 1
        if alone or all(RIVALS[c.rival].plugin for c in same):
            which = "other" if alone else "stock"
            raise ValueError(f"no {which} answer to compare with that of {same[0].label}: give a witness")


class Rounds(Protocol):
    @property
    def rounds(self) -> tuple[float, ...]: ...


def speed_up(baseline: Rounds, other: Rounds) -> float:
    """How many times faster `other` is: the median over rounds of the ratio within the round."""
    return statistics.median(b / o for b, o in zip(baseline.rounds, other.rounds, strict=True))


def prepare(contender: Contender, conditions: Conditions, repeats: int = 3) -> worker.Preparation:
    """The least that loading costs, each time in a new process. Raises ContenderError if it fails."""
    results = []
    for _ in range(repeats):
        with Isolated() as process:
            seat = _Seat(contender, process)
            seat.call(worker.pin, conditions.cores)
            values = (contender.rival, contender.path, conditions.threads, conditions.clock)
            results.append(seat.call(worker.prepare, *values))
    return worker.Preparation(min(r.seconds for r in results), min(r.peak_bytes for r in results))
