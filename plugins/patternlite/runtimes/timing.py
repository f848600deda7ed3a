"""Interleaved timing: all contenders run under the same noise and get the same number of calls."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import OutputMismatchError

# A runtime's worker threads go on spinning for a moment after a call; the pause keeps one contender's
# spinning out of the next one's time.
_SETTLE_SECONDS = 0.002

# Where calls are short, a turn lasts about this long, provided that so many rounds fit: what the previous
# contender left behind in caches and clock rates is then a small part of it.
_TURN_SECONDS = 0.05
_MANY_ROUNDS = 20


@dataclass(frozen=True)
class Timing:
    """Milliseconds per call of one contender."""

    minimum: float
    median: float
    p90: float
    calls: int

    @classmethod
    def of(cls, seconds: list[float]) -> Timing:
        minimum, median, p90 = np.percentile(np.asarray(seconds) * 1e3, (0, 50, 90))
        return cls(float(minimum), float(median), float(p90), len(seconds))

    @classmethod
    def of_rounds(cls, rounds: list[list[float]]) -> Timing:
        """rounds: one contender's, as `interleave` returns them."""
        return cls.of([seconds for burst in rounds for seconds in burst])


# Calls a contender that many times and returns the seconds of each.
Burst = Callable[[int], list[float]]


def timed(
    call: Callable[[], object],
    clock: Callable[[], float] = time.perf_counter,
    *,
    before: Callable[[], object] = lambda: None,
) -> Burst:
    """A burst: one uncounted call, to refill the caches that another contender emptied, then counted ones.

    before: called before each call, untimed.
    """

    def burst(count: int) -> list[float]:
        before()
        call()
        spent = []
        for _ in range(count):
            before()
            begin = clock()
            call()
            spent.append(clock() - begin)
        return spent

    return burst


def interleave(
    contenders: Mapping[str, Burst],
    *,
    seconds: float,
    burst: int = 5,
    least_rounds: int = 3,
    clock: Callable[[], float] = time.perf_counter,
    pause: Callable[[float], None] = time.sleep,
    progress: Callable[[float], None] = lambda fraction: None,
) -> dict[str, list[list[float]]]:
    """Runs the contenders in rounds, in a new random order each time, for about `seconds` in all.

    So nobody always follows the same one; the orders are the same in every run.
    In a round each contender makes `burst` counted calls and one more (see `timed`): more if calls are short,
    fewer if they are so long that `least_rounds` rounds would not fit. The number is settled once, by an
    uncounted warm-up round of two calls each. At least `least_rounds` rounds are run, and only whole ones, so
    that all contenders have equally many calls: the fastest of more calls would be faster.

    progress: called with the fraction done after each round.
    Returns contender -> rounds -> seconds of each call.
    """
    if not contenders:
        raise ValueError("nothing to time: give at least one contender")
    if not 0 < seconds < math.inf or burst < 1 or least_rounds < 1:
        raise ValueError(
            f"seconds, burst and least_rounds must be positive and finite: {seconds}, {burst}, {least_rounds}"
        )
    names = list(contenders)
    rounds: dict[str, list[list[float]]] = {name: [] for name in names}
    start = clock()
    call = 0.0  # one of each contender
    for name in names:
        call += contenders[name](1)[0]
        pause(_SETTLE_SECONDS)
    if call:
        longer = min(_TURN_SECONDS * len(names), seconds / _MANY_ROUNDS)
        burst = max(1, min(max(burst, int(longer / call) - 1), int(seconds / (least_rounds * call)) - 1))
    draw = random.Random(0)
    done = 0
    while done < least_rounds or clock() - start < seconds:
        for name in draw.sample(names, len(names)):
            rounds[name].append(contenders[name](burst))
            pause(_SETTLE_SECONDS)
        done += 1
        progress(min(1.0, (clock() - start) / seconds, done / least_rounds))
    return rounds


def relative_difference(reference: np.ndarray, output: np.ndarray) -> float:
    """Largest |reference - output| over the reference's range, or over its magnitude if all values are equal.

    It is inf if any value is not finite. Raises ValueError when the shapes differ, or there are no values.
    """
    if reference.shape != output.shape or not reference.size:
        raise ValueError(f"outputs of shape {reference.shape} and {output.shape} cannot be compared")
    reference = reference.astype(np.float64)  # integers and booleans, too, are compared as numbers
    if not (np.isfinite(reference).all() and np.isfinite(output).all()):
        return float("inf")
    difference = float(np.max(np.abs(reference - output)))
    span = float(np.ptp(reference)) or float(np.max(np.abs(reference)))
    return difference / span if span else (0.0 if difference == 0 else float("inf"))


def require_equal(
    what: str, reference: np.ndarray, output: np.ndarray, tolerance: float, *, ours: bool = True
) -> float:
    """The relative difference; OutputMismatchError naming `what` when it exceeds `tolerance`.

    ours: whether the plugin computed the output.
    """
    difference = relative_difference(reference, output)
    if difference > tolerance:
        raise OutputMismatchError(
            f"{what}: outputs differ by {difference:.1e} of their range, more than {tolerance:.0e}; "
            "no timing of a wrong answer" + ": please report this model" * ours
        )
    return difference
