"""TVM: Relax, compiled for this CPU by LLVM, with what MetaSchedule found for it (Shao et al. 2022).

Tuning is a step of its own, `python -m benchmarks tune`: task by task, resumable, its database kept. Maps are
NHWC, the layout in which MetaSchedule vectorises convolutions over their filters.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from patternlite.runtimes import Session

_RECORDS = "database_tuning_record.json"
# Few candidates are tried per task, so few need to be bred and ranked.
_POPULATION, _GENERATIONS, _RANDOM = 32, 1, 8
_PER_ROUND = 8  # candidates between two fits of the cost model
_REPEATS = 3  # runs of a candidate; the fastest counts


@dataclass(frozen=True)
class Tuned:
    """One task. weight: how often the network has it.  trials: of it in the database, so far."""

    name: str
    weight: int
    trials: int
    seconds: float


class TvmSession(Session):
    """tuned: a folder with MetaSchedule's database, or None for the schedules that TVM has by itself."""

    def __init__(self, path: Path, threads: int, tuned: Path | None = None) -> None:
        os.environ["TVM_NUM_THREADS"] = str(threads)  # read when TVM starts its pool
        import tvm
        from tvm import relax

        module, shape = _lowered(path)
        target = _target()
        database = _database(tuned) if tuned is not None else None
        if database is not None:
            with target, database:
                module = relax.transform.MetaScheduleApplyDatabase()(module)
        self._tvm = tvm
        self._machine = relax.VirtualMachine(tvm.compile(module, target=target), tvm.cpu())
        self.input_shape = shape

    def set_input(self, x: np.ndarray) -> None:
        self._machine.set_input("main", self._tvm.runtime.tensor(np.ascontiguousarray(x)))

    def invoke(self) -> None:
        self._machine.invoke_stateful("main")

    def output(self) -> np.ndarray:
        return self._machine.get_outputs("main").numpy()


def tune(path: Path, folder: Path, trials: int, seconds: float) -> Iterator[Tuned]:
    """Tunes the network's convolutions and fully connected layers, the most expensive first.

    trials: per task; a task that has them in the database is not tuned again.
    seconds: no task is begun after so many.
    """
    from tvm.s_tir import meta_schedule as ms

    module, _ = _lowered(path)
    folder.mkdir(parents=True, exist_ok=True)
    database = _database(folder)
    tasks = [t for t in ms.relax_integration.extract_tasks(module, _target()) if _is_heavy(t.task_name)]
    tasks.sort(key=lambda task: -_flops(task) * task.weight)
    begin = time.monotonic()
    for task in tasks:
        done = _trials(database, task)
        started = time.monotonic()
        if done < trials and started - begin < seconds:
            _tune_task(task, database, trials - done)
        yield Tuned(task.task_name, task.weight, _trials(database, task), time.monotonic() - started)


def budget(folder: Path) -> str:
    """What was spent on a network so far, in words; empty for nothing."""
    records = folder / _RECORDS
    lines = records.read_text(encoding="utf-8").splitlines() if records.exists() else []
    tasks = {json.loads(line)[0] for line in lines}
    return f"MetaSchedule: {len(lines)} candidates for {len(tasks)} kinds of layers" if lines else ""


def _tune_task(task: Any, database: Any, trials: int) -> None:
    """MetaSchedule's evolutionary search. Candidates are built and run here: its pools of worker processes
    start so slowly on a busy machine that they time out."""
    # MetaSchedule loads the intrinsics of every target, which takes a minute for those of GPUs.
    sys.modules.setdefault("tvm.s_tir.tensor_intrin.cuda", ModuleType("cuda"))
    from tvm.s_tir import meta_schedule as ms

    module = task.dispatched[0]
    context = ms.TuneContext(
        mod=module,
        target=_target(),
        space_generator="post-order-apply",
        search_strategy=ms.search_strategy.EvolutionarySearch(
            population_size=_POPULATION, init_min_unmeasured=_RANDOM, genetic_num_iters=_GENERATIONS
        ),
        task_name=task.task_name,
        rand_state=1,
        num_threads=1,
        logger=logging.getLogger("tvm"),
    )
    spaces = context.generate_design_space()
    per_round = max(1, min(trials, _PER_ROUND))
    context.pre_tuning(trials, per_round, spaces, database, ms.cost_model.XGBModel())
    workload = database.commit_workload(module)
    while candidates := context.generate_measure_candidates():
        results = [_measure(candidate) for candidate in candidates]
        context.notify_runner_results(candidates, results)
        for candidate, result in zip(candidates, results, strict=True):
            if result.run_secs is not None:
                database.commit_tuning_record(
                    ms.database.TuningRecord(
                        candidate.sch.trace, workload, result.run_secs, context.target, candidate.args_info
                    )
                )
    context.post_tuning()


def _measure(candidate: Any) -> Any:
    """A schedule that cannot be built is a result, too."""
    import tvm
    from tvm.driver import build
    from tvm.s_tir import meta_schedule as ms
    from tvm.s_tir.transform import RemoveWeightLayoutRewriteBlock

    try:
        module = RemoveWeightLayoutRewriteBlock(skip_tensor_rewrite=True)(candidate.sch.mod)
        program = build(module, target=_target())
    except Exception as error:  # whatever its passes raise
        return ms.runner.RunnerResult(None, str(error))
    rng = np.random.default_rng(0)
    arrays = [
        tvm.runtime.tensor(rng.standard_normal([int(n) for n in info.shape]).astype(info.dtype))
        for info in candidate.args_info
    ]
    timed = program.time_evaluator(program.entry_name, tvm.cpu(), number=1, repeat=_REPEATS)(*arrays)
    return ms.runner.RunnerResult([min(timed.results)], None)


def _lowered(path: Path) -> tuple[Any, tuple[int, int, int, int]]:
    """The network as TIR functions, one per fused layer, and its input's shape."""
    import onnx
    import tvm
    from tvm import relax
    from tvm.relax.frontend.onnx import from_onnx

    model = onnx.load(str(path))
    shape = tuple(d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim)
    passes = [
        relax.transform.ConvertLayout({"relax.nn.conv2d": ["NHWC", "HWIO"]}),
        relax.transform.DecomposeOpsForInference(),
        relax.transform.CanonicalizeBindings(),
        relax.get_pipeline("zero"),
    ]
    with _target():
        module = tvm.transform.Sequential(passes)(from_onnx(model, keep_params_in_input=False))
    return module, shape  # type: ignore[return-value]


def _target() -> Any:
    from tvm.target import Target
    from tvm.target.codegen import llvm_get_system_cpu

    return Target({"kind": "llvm", "mcpu": llvm_get_system_cpu(), "num-cores": len(os.sched_getaffinity(0))})


def _database(folder: Path) -> Any:
    from tvm.s_tir import meta_schedule as ms

    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / "database_workload.json", folder / _RECORDS
    return ms.database.JSONDatabase(*map(str, paths))


def _trials(database: Any, task: Any) -> int:
    module = task.dispatched[0]
    if not database.has_workload(module):
        return 0
    return len(database.get_top_k(database.commit_workload(module), 1 << 20))


def _is_heavy(name: str) -> bool:
    return any(kind in name for kind in ("conv2d", "matmul", "dense"))


def _flops(task: Any) -> float:
    from tvm.s_tir.analysis import estimate_tir_flops

    return float(estimate_tir_flops(task.dispatched[0]))
