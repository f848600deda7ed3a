"""`patternlite doctor`: what is installed, what works, and what to do about the rest."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from . import __version__
from .errors import one_line
from .isolated import Isolated
from .latency import TOLERANCE
from .machine import describe_machine, versions
from .native import load_native
from .progress import Stages
from .runtimes import RUNTIMES, Runtime, open_session, runtime_named
from .timing import require_equal

PROBES = Path(__file__).parent / "assets"

_MARKS = {"ok": ("✓", "green"), "missing": ("-", "yellow"), "failed": ("✗", "red")}


@dataclass(frozen=True)
class Check:
    """state: "ok", "missing" (optional and not installed) or "failed".  fix: a command, or empty."""

    what: str
    state: str
    detail: str
    fix: str = ""


def diagnose(console: Console) -> list[Check]:
    """All checks; a progress bar on `console` meanwhile."""
    machine = describe_machine()
    checks = [
        Check("patternlite", "ok", f"{__version__}, Python {machine.python}, {machine.system}"),
        Check(
            "CPU", "ok", f"{machine.cpu}, {machine.cores} cores, {', '.join(machine.simd) or 'no SIMD known'}"
        ),
    ]
    with Stages(console) as stages, stages.stage("Probing") as advance:
        advance("native library", 0.0)
        checks += [_isolated("native library", _native_library), *_tools()]
        for i, runtime in enumerate(RUNTIMES):
            advance(runtime.name, (i + 1) / (len(RUNTIMES) + 1))
            checks.append(check_runtime(runtime))
    if not any(runtime.installed for runtime in RUNTIMES):
        fix = "pip install 'patternlite[tflite,mnn]'"
        checks.append(Check("any runtime", "failed", "models need at least one to run in", fix))
    return checks


def doctor_table(checks: list[Check]) -> Table:
    table = Table.grid(padding=(0, 2))
    for check in checks:
        mark, style = _MARKS[check.state]
        detail = Text(check.detail)
        if check.fix:
            detail.append("\n" if check.detail else "").append(check.fix, style="bold")
        table.add_row(Text(mark, style=style), check.what, detail)
    return table


def probe(runtime_name: str) -> str:
    """Runs the one-convolution model, stock and with the plugin; says how they compare.

    Raises OutputMismatchError when they differ.
    """
    runtime = runtime_named(runtime_name)
    path = PROBES / f"probe{runtime.suffix}"
    stock, plugin = (open_session(runtime, path, plugin=with_plugin) for with_plugin in (False, True))
    x = np.random.default_rng(0).standard_normal(stock.input_shape, dtype=np.float32)
    difference = require_equal("one convolution", stock.run(x), plugin.run(x), TOLERANCE)
    return f"one convolution with the plugin equals stock to {difference:.0e}"


def check_runtime(runtime: Runtime) -> Check:
    """Whether the runtime is installed and answers alike with the plugin."""
    if not runtime.installed:
        return Check(runtime.name, "missing", "not installed", runtime.pip_command)
    check = _isolated(runtime.name, probe, runtime.name)
    fix = runtime.pip_command if check.state == "failed" else ""
    return Check(check.what, check.state, f"{runtime.version}, {check.detail}", fix)


def _tools() -> list[Check]:
    """The packages that pruning and conversion need."""
    fix = "pip install 'patternlite[convert]'"
    return [
        Check(name, "ok", version)
        if version
        else Check(name, "missing", "pruning and conversion need it", fix)
        for name, version in versions().items()
        if name in ("torch", "onnx2tf")
    ]


def _native_library() -> str:
    native = load_native()
    forced = os.environ.get("PATTERNLITE_ISA")
    note = f" (PATTERNLITE_ISA={forced})" if forced else ""
    return f"kernels for {', '.join(native.available_isas())}; in use: {native.current_isa()}{note}"


def _isolated(what: str, function: Callable[..., str], *args: str) -> Check:
    """`function` says what is well; what it raises, or its process's death, is a failed check."""
    try:
        with Isolated() as process:
            return Check(what, "ok", process.call(function, *args))
    except Exception as error:  # a doctor reports, whatever it is
        return Check(what, "failed", one_line(error))
