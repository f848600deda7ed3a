"""Interleaving, on a clock that only the contenders move."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest

from patternlite.errors import OutputMismatchError
from patternlite.runtimes.timing import Timing, interleave, relative_difference, require_equal, timed


@dataclass
class Bench:
    """Contenders that take a known time, and the order in which they were called."""

    now: float = 0.0
    calls: list[str] = field(default_factory=list)

    def contender(self, name: str, seconds: float):
        def call() -> None:
            self.now += seconds
            self.calls.append(name)

        return call

    def pause(self, seconds: float) -> None:
        self.calls.append("|")

    def run(self, costs: dict[str, float], **options) -> dict[str, Timing]:
        return self.time({name: self.contender(name, cost) for name, cost in costs.items()}, **options)

    def time(self, calls: dict[str, Callable[[], None]], **options) -> dict[str, Timing]:
        bursts = {name: timed(call, lambda: self.now) for name, call in calls.items()}
        rounds = interleave(bursts, clock=lambda: self.now, pause=self.pause, **options)
        return {name: Timing.of_rounds(of_one) for name, of_one in rounds.items()}


def test_times_are_those_of_the_contenders() -> None:
    timings = Bench().run({"a": 0.003, "b": 0.012}, seconds=1)
    for name, ms in (("a", 3.0), ("b", 12.0)):
        timing = timings[name]
        assert (timing.minimum, timing.median, timing.p90) == pytest.approx((ms, ms, ms))


def test_all_get_the_same_number_of_calls() -> None:
    timings = Bench().run({"a": 0.001, "b": 0.1, "c": 0.02}, seconds=2, burst=4)
    assert len({t.calls for t in timings.values()}) == 1
    assert timings["a"].calls % 4 == 0


def test_the_order_is_drawn_anew_in_each_round() -> None:
    """Nobody always follows the same one, whose threads might still be at work; the next run is alike."""

    def turns() -> list[str]:
        bench = Bench()
        bench.run({"a": 1.0, "b": 1.0, "c": 1.0}, seconds=0.001, burst=1, least_rounds=60)
        return "".join(bench.calls).strip("|").split("|")

    # Each turn is one uncounted and one counted call; the first three turns are the warm-up.
    first = turns()
    assert first[:3] == ["aa", "bb", "cc"]
    rounds = [first[i : i + 3] for i in range(3, len(first), 3)]
    assert len(rounds) == 60 and all(sorted(order) == ["aa", "bb", "cc"] for order in rounds)
    followed = Counter(pair for order in rounds for pair in pairwise(order))
    assert len(followed) == 6 and min(followed.values()) >= 10  # 20 each, on average
    assert turns() == first


@pytest.mark.parametrize(("seconds", "calls"), [(60.0, 101), (2.0, 101), (0.5, 24), (0.1, 5)])
def test_turns_of_short_calls_are_longer(seconds: float, calls: int) -> None:
    """50 ms, one of the calls uncounted, but 20 rounds matter more; never less than asked for."""
    bench = Bench()
    bench.run({"a": 2**-11, "b": 2**-11}, seconds=seconds)
    turns = "".join(bench.calls).strip("|").split("|")[2:]
    assert {len(turn) for turn in turns} == {1 + calls}


def test_short_calls_beside_long_ones_are_as_many() -> None:
    """The fastest of more calls would be faster."""
    timings = Bench().run({"short": 2**-11, "long": 2**-6}, seconds=10)
    assert timings["short"].calls == timings["long"].calls


def test_warm_up_is_not_counted() -> None:
    bench = Bench()
    cost = iter([9.0] * 2 + [1.0] * 100)

    def slow_at_first() -> None:
        bench.now += next(cost)

    timings = bench.time({"a": slow_at_first}, seconds=0.001, burst=5)
    assert timings["a"] == Timing(1000.0, 1000.0, 1000.0, 3)


def test_the_call_after_another_contender_is_not_counted() -> None:
    """It pays for the caches the other one emptied."""
    bench = Bench()
    last = ""

    def contender(name: str):
        def call() -> None:
            nonlocal last
            bench.now += 1.0 if name == last else 5.0
            last = name

        return call

    timings = bench.time({n: contender(n) for n in "ab"}, seconds=0.001)
    assert {t.p90 for t in timings.values()} == {1000.0}


@pytest.mark.parametrize("seconds", [0.5, 2.0, 10.0])
def test_the_budget_holds_up_to_one_round(seconds: float) -> None:
    bench = Bench()
    costs = {"a": 0.002, "b": 0.004}
    bench.run(costs, seconds=seconds, burst=5)
    # Of six calls each, or of more where that is 50 ms a turn, and 20 rounds fit.
    longest = max(6 * sum(costs.values()), min(2 * 0.05, seconds / 20))
    assert seconds <= bench.now <= seconds + longest


def test_long_calls_get_short_bursts() -> None:
    """Three rounds of five calls of 2 s would take far more than the 10 s allowed."""
    bench = Bench()
    timings = bench.run({"a": 1.0, "b": 1.0}, seconds=10, burst=5, least_rounds=3)
    assert bench.now <= 18  # warm-up 4, three rounds of 4, and the round that passes the limit
    assert timings["a"].calls == timings["b"].calls >= 3


def test_percentiles() -> None:
    timing = Timing.of([0.001 * i for i in range(1, 12)])
    assert (timing.minimum, timing.median, timing.p90) == pytest.approx((1, 6, 10))
    assert timing.calls == 11


def test_progress_ends_at_one_and_never_falls() -> None:
    seen: list[float] = []
    Bench().run({"a": 0.01}, seconds=1, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="at least one contender"):
        interleave({}, seconds=1)
    with pytest.raises(ValueError, match="positive"):
        interleave({"a": timed(lambda: None)}, seconds=0)
    for endless in (math.nan, math.inf):
        with pytest.raises(ValueError, match="finite"):
            interleave({"a": timed(lambda: None)}, seconds=endless)


def test_what_goes_before_a_call_is_not_timed() -> None:
    bench = Bench()
    call = bench.contender("call", 1.0)
    seconds = timed(call, lambda: bench.now, before=bench.contender("before", 5.0))(2)
    assert seconds == [1.0, 1.0]
    assert bench.calls == 3 * ["before", "call"]


def test_relative_difference_is_of_the_range() -> None:
    reference = np.array([-2.0, 0.0, 8.0], np.float32)
    assert relative_difference(reference, reference + np.float32(0.5)) == pytest.approx(0.05)
    assert relative_difference(reference, reference) == 0.0


def test_constant_outputs() -> None:
    zeros = np.zeros(3, np.float32)
    assert relative_difference(zeros, zeros) == 0.0
    assert relative_difference(zeros, zeros + 1e-9) == np.inf
    one = np.full((1, 1), 4.0, np.float32)  # no range, but a size
    assert relative_difference(one, one + np.float32(0.5)) == pytest.approx(0.125)


@pytest.mark.parametrize("poison", [np.nan, np.inf])
def test_poison_never_passes(poison: float) -> None:
    good = np.arange(3, dtype=np.float32)
    bad = good.copy()
    bad[1] = poison
    for pair in ((good, bad), (bad, good), (bad, bad)):
        with pytest.raises(OutputMismatchError, match="model"):
            require_equal("model", *pair, tolerance=1e-4)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, bool])
def test_integers_and_booleans_are_numbers(dtype: type) -> None:
    zeros, mixed = np.zeros(3, dtype), np.array([0, 1, 1], dtype)
    assert relative_difference(mixed, mixed) == 0.0
    assert relative_difference(mixed, zeros) == 1.0


@pytest.mark.parametrize("shape", [(3, 1), (0,)])
def test_what_cannot_be_compared(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        relative_difference(np.zeros(shape[:1]), np.zeros(shape))


def test_tolerance_is_a_limit() -> None:
    reference = np.array([0.0, 1.0])
    assert require_equal("m", reference, np.array([0.0, 1.0 + 9e-5]), 1e-4) == pytest.approx(9e-5)
    with pytest.raises(OutputMismatchError, match=r"2.0e-04"):
        require_equal("m", reference, np.array([0.0, 1.0 + 2e-4]), 1e-4)
