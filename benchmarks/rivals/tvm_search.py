"""MetaSchedule's search for schedules (Shao et al. 2022), called in a process of the rivals' environment.

Candidates are built and run in that process, one at a time, by one thread: pools of worker processes start
so slowly on a busy machine that they time out.
"""

from __future__ import annotations

import logging
import math
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from .tvm_relax import database, lowered, records_of, target

# Few candidates are tried, so few need to be bred and ranked: 256 in 3 generations took twice as long and
# found nothing better.
_POPULATION, _GENERATIONS, _RANDOM = 32, 1, 8
_PER_ROUND = 8  # candidates between two fits of the cost model
_REPEATS, _REPEAT_MS = 3, 3  # how often a candidate is timed, and for how long each time; the fastest counts


@dataclass(frozen=True)
class Kind:
    """Layers of a network that differ only in their weights.

    count: how many there are.  gflop: operations of one.  records: its candidates in the database.
    """

    name: str
    count: int
    gflop: float
    records: int

    @property
    def heavy(self) -> bool:
        return any(word in self.name for word in ("conv2d", "matmul", "dense"))


@dataclass(frozen=True)
class Found:
    """tried: candidates.  failed: those of them that could not be built or run.

    exhausted: whether there are no more.  milliseconds: of the best so far; None if all failed.
    """

    tried: int
    failed: int
    exhausted: bool
    seconds: float
    milliseconds: float | None


_tasks: dict[str, Any]
_database: Any


def begin(path: Path, folder: Path) -> list[Kind]:
    """Prepares `search`; returns the network's kinds of layers, the most expensive first."""
    global _tasks, _database
    os.environ["TVM_NUM_THREADS"] = "1"
    from tvm.s_tir import meta_schedule as ms
    from tvm.s_tir.analysis import estimate_tir_flops

    _database = database(folder)
    _tasks = {task.task_name: task for task in ms.relax_integration.extract_tasks(lowered(path)[0], target())}
    kinds = []
    for name, task in _tasks.items():
        module = task.dispatched[0]
        gflop = float(estimate_tir_flops(module)) / 1e9
        kinds.append(Kind(name, task.weight, gflop, records_of(_database, module)))
    return sorted(kinds, key=lambda kind: -kind.count * kind.gflop)


def search(name: str, trials: int) -> Found:
    """Tries so many more candidates for a kind of layer."""
    # MetaSchedule would load the intrinsics of every target, which takes a minute for those of GPUs.
    sys.modules.setdefault("tvm.s_tir.tensor_intrin.cuda", ModuleType("cuda"))
    from tvm.s_tir import meta_schedule as ms

    began = time.monotonic()
    module = _tasks[name].dispatched[0]
    context = ms.TuneContext(
        mod=module,
        target=target(),
        space_generator="post-order-apply",
        search_strategy=ms.search_strategy.EvolutionarySearch(
            population_size=_POPULATION, init_min_unmeasured=_RANDOM, genetic_num_iters=_GENERATIONS
        ),
        task_name=name,
        rand_state=1,
        num_threads=1,
        logger=logging.getLogger("tvm"),
    )
    spaces = context.generate_design_space()
    per_round = min(trials, _PER_ROUND)
    context.pre_tuning(trials, per_round, spaces, _database, ms.cost_model.XGBModel())
    workload = _database.commit_workload(module)
    inputs = _Inputs()
    tried = failed = 0
    while candidates := context.generate_measure_candidates():
        results = [_measure(candidate, inputs) for candidate in candidates]
        context.notify_runner_results(candidates, results)
        for candidate, result in zip(candidates, results, strict=True):
            tried += 1
            if result.run_secs is None:
                failed += 1
                continue
            record = (candidate.sch.trace, workload, result.run_secs, context.target, candidate.args_info)
            _database.commit_tuning_record(ms.database.TuningRecord(*record))
    context.post_tuning()
    best = _database.get_top_k(workload, 1)
    milliseconds = 1e3 * min(float(s) for s in best[0].run_secs) if best else None
    return Found(tried, failed, tried < trials, time.monotonic() - began, milliseconds)


class _Inputs:
    """Random inputs for any candidate of a kind of layer: each has its own layout of weights."""

    def __init__(self) -> None:
        self._pool = np.empty(0, np.float32)

    def of(self, candidate: Any) -> list[Any]:
        import tvm

        shapes = [tuple(int(n) for n in info.shape) for info in candidate.args_info]
        most = max(math.prod(shape) for shape in shapes)
        if len(self._pool) < most:
            self._pool = np.random.default_rng(0).random(most, np.float32)
        return [tvm.runtime.tensor(self._pool[: math.prod(shape)].reshape(shape)) for shape in shapes]


def _measure(candidate: Any, inputs: _Inputs) -> Any:
    """Times a candidate; that it cannot be built or run is a result, too."""
    import tvm
    from tvm.driver import build
    from tvm.s_tir import meta_schedule as ms
    from tvm.s_tir.transform import RemoveWeightLayoutRewriteBlock

    try:
        module = RemoveWeightLayoutRewriteBlock(skip_tensor_rewrite=True)(candidate.sch.mod)
        program = build(module, target=target())
        timed = program.time_evaluator(
            program.entry_name, tvm.cpu(), number=1, repeat=_REPEATS, min_repeat_ms=_REPEAT_MS
        )
        return ms.runner.RunnerResult([min(timed(*inputs.of(candidate)).results)], None)
    except Exception as error:  # its passes may raise anything
        return ms.runner.RunnerResult(None, str(error))
