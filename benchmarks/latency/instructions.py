"""`python -m benchmarks instructions`: how many instructions two layers take, which no neighbour disturbs.

A call's count is a share of the difference between two runs of a child program, with one call and with many,
since the number of instructions at start varies. Valgrind does not know AVX-512, so the plugin is made to use
AVX2; XNNPACK, which sees the CPU that valgrind emulates, uses it as well.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from patternlite.errors import PatternliteError

from ..models.files import ModelFiles, Rates
from ..models.stacks import Stack

LAYERS = (
    Stack(kernel=3, channels=128, filters=128, size=28),
    Stack(kernel=3, channels=256, filters=256, size=14),
)
STRUCTURES = ("g1", "g4")
DENSE = "dense, stock"
_RATES = Rates(conv3x3=8.0, first=True)
_CALLS = 20
# No kernels are tried while loading, since how many depends on the clock.
_PROGRAM = """
import sys
from tflite_runtime.interpreter import Interpreter
from patternlite.tflite import load_delegate
path, how, calls = sys.argv[1:]
delegates = [load_delegate(num_threads=1, isa="avx2", tune_budget_ms=0)] if how == "plugin" else []
interpreter = Interpreter(path, num_threads=1, experimental_delegates=delegates)
interpreter.allocate_tensors()
for _ in range(int(calls)):
    interpreter.invoke()
"""


@dataclass(frozen=True)
class Count:
    """instructions: in one call.  way: DENSE, or a structure with the plugin."""

    layer: Stack
    way: str
    instructions: int


def fewer(counts: Sequence[Count]) -> list[float]:
    """How many times fewer instructions each takes than the dense layer of its shape."""
    dense = {count.layer: count.instructions for count in counts if count.way == DENSE}
    return [dense[count.layer] / count.instructions for count in counts]


def count_layer(layer: Stack, files: ModelFiles) -> list[Count]:
    """Raises PatternliteError if valgrind is not installed, or fails."""
    counts = [Count(layer, DENSE, _count(files.dense(layer), "stock"))]
    for structure in STRUCTURES:
        counts.append(Count(layer, structure, _count(files.pruned(layer, structure, _RATES), "plugin")))
    return counts


def _count(model: Path, how: str) -> int:
    if shutil.which("valgrind") is None:
        raise PatternliteError("valgrind is not here; run: apt-get install valgrind")
    return (_total(model, how, 1 + _CALLS) - _total(model, how, 1)) // _CALLS


def _total(model: Path, how: str, calls: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        tool = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out"]
        run = subprocess.run(
            [*tool, sys.executable, "-c", _PROGRAM, str(model), how, str(calls)],
            env={**os.environ, "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
        )
    found = re.search(r"Collected : (\d+)", run.stderr)
    if run.returncode or found is None:
        raise PatternliteError(f"valgrind failed on {model.name}: {run.stderr.strip()[-300:]}")
    return int(found[1])
