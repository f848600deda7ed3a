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

from .. import __version__
from ..errors import missing_packages, one_line
from ..runtimes.installed import RUNTIMES, Runtime, runtime_named
from ..runtimes.latency import TOLERANCE
from ..runtimes.machine import describe_machine, version_of
from ..runtimes.sessions import open_session
from ..runtimes.timing import require_equal
from ..support.isolated import Isolated
from ..support.native import load_native
from ..support.progress import Stages

PROBES = Path(__file__).parents[1] / "assets"

# Of each extra: what it is for, and what pip calls its packages, but for the runtimes.
_EXTRAS = {
    "convert": (
        "pruning and conversion",
        (
            "torch", "safetensors", "onnx", "onnxruntime", "onnxsim", "onnxoptimizer", "onnx-graphsurgeon",
            "onnx2tf",
        ),
    ),
    "bench": ("images and reports", ("pillow", "matplotlib", "jinja2")),
}  # fmt: skip

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
        native = _isolated("native library", _native_library)
        checks += [native, *(check_extra(name) for name in _EXTRAS)]
        for i, runtime in enumerate(RUNTIMES):
            advance(runtime.name, (i + 1) / (len(RUNTIMES) + 1))
            checks.append(check_runtime(runtime, plugin=native.state == "ok"))
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


def check_runtime(runtime: Runtime, plugin: bool = True) -> Check:
    """Whether the runtime is installed and answers alike with the plugin.  plugin: whether there is one."""
    if not runtime.installed:
        return Check(runtime.name, "missing", "not installed", runtime.pip_command)
    if not plugin:
        return Check(runtime.name, "failed", f"{runtime.version}, cannot be tried without the native library")
    check = _isolated(runtime.name, probe, runtime.name)
    fix = runtime.pip_command if check.state == "failed" else ""
    return Check(check.what, check.state, f"{runtime.version}, {check.detail}", fix)


def check_extra(name: str) -> Check:
    """Whether the packages of that extra are installed."""
    what, packages = _EXTRAS[name]
    modules = {"PIL" if package == "pillow" else package.replace("-", "_"): package for package in packages}
    if missing := missing_packages(*modules):
        lacks = ", ".join(modules[module] for module in missing)
        return Check(what, "missing", f"not installed: {lacks}", f"pip install 'patternlite[{name}]'")
    found = (f"{package} {version_of(package) or ''}".strip() for package in packages)
    return Check(what, "ok", ", ".join(found))


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
