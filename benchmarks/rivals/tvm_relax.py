"""TVM: Relax, compiled for this CPU by LLVM, with the schedules that tuning found (tvm_search.py).

Maps are NHWC, the layout in which MetaSchedule vectorises convolutions over their filters; while compiling,
each layer's weights are packed as its schedule reads them. Without tuning, TVM 0.27 has no schedules for
convolutions on CPUs and runs them as plain loops.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from patternlite.runtimes.sessions import Session


class TvmSession(Session):
    """tuned: a folder with MetaSchedule's database, or None for the schedules that TVM has by itself."""

    def __init__(self, path: Path, threads: int, tuned: Path | None = None) -> None:
        os.environ["TVM_NUM_THREADS"] = str(threads)  # read when TVM starts its pool
        import tvm
        from tvm import relax

        module, shape = lowered(path)
        if tuned is not None:
            module = _scheduled(module, tuned)
        self._tvm = tvm
        self._machine = relax.VirtualMachine(tvm.compile(module, target=target()), tvm.cpu())
        self.input_shape = shape

    def set_input(self, x: np.ndarray) -> None:
        self._machine.set_input("main", self._tvm.runtime.tensor(np.ascontiguousarray(x)))

    def invoke(self) -> None:
        self._machine.invoke_stateful("main")

    def output(self) -> np.ndarray:
        return self._machine.get_outputs("main").numpy()


def lowered(path: Path) -> tuple[Any, tuple[int, int, int, int]]:
    """The network as TIR functions, one per fused layer, free to lay out their weights; its input's shape."""
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
        relax.transform.AttachAttrLayoutFreeBuffers(),
    ]
    with target():
        module = tvm.transform.Sequential(passes)(from_onnx(model, keep_params_in_input=False))
    return module, shape  # type: ignore[return-value]


def target() -> Any:
    """This CPU with all its cores, however many a process may use: a schedule belongs to one target."""
    from tvm.target import Target
    from tvm.target.codegen import llvm_get_system_cpu

    return Target({"kind": "llvm", "mcpu": llvm_get_system_cpu(), "num-cores": os.cpu_count() or 1})


def database(folder: Path, name: str = "all") -> Any:
    """name: "all" candidates that were tried, or the "best" for each kind of layer, which loads faster."""
    from tvm.s_tir import meta_schedule as ms

    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / f"{name}-workloads.json", folder / f"{name}-records.json"
    return ms.database.JSONDatabase(*map(str, paths))


def keep_best(folder: Path) -> None:
    """Writes the database "best" anew."""
    for path in folder.glob("best-*.json"):
        path.unlink()
    database(folder).dump_pruned(database(folder, "best"))


def records_of(database: Any, module: Any) -> int:
    """How many candidates the database has for a layer."""
    if not database.has_workload(module):
        return 0
    return len(database.get_top_k(database.commit_workload(module), 1 << 20))


def _scheduled(module: Any, folder: Path) -> Any:
    import tvm
    from tvm.relax import transform

    with target(), database(folder, "best"):
        passes = [
            transform.MetaScheduleApplyDatabase(),
            transform.SplitLayoutRewritePreproc(),
            transform.LiftTransformParams(),
            transform.FoldConstant(),
        ]
        return tvm.transform.Sequential(passes)(module)
