"""`patternlite doctor`: what is installed, what works, and what to do about the rest."""

from __future__ import annotations

import os

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .. import __version__
from ..errors import missing_packages
from ..runtimes.check import Check, check_runtime, isolated
from ..runtimes.installed import RUNTIMES
from ..runtimes.machine import describe_machine, version_of
from ..support.native import load_native
from ..support.progress import Stages

# For each extra except the runtimes: what it is for, and the names of its packages on PyPI.
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


def diagnose(console: Console) -> list[Check]:
    """Makes all checks, with a progress bar on `console`."""
    machine = describe_machine()
    checks = [
        Check("patternlite", "ok", f"{__version__}, Python {machine.python}, {machine.system}"),
        Check(
            "CPU", "ok", f"{machine.cpu}, {machine.cores} cores, {', '.join(machine.simd) or 'no SIMD known'}"
        ),
    ]
    with Stages(console) as stages, stages.stage("Probing") as advance:
        advance("native library", 0.0)
        native = isolated("native library", _native_library)
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


def check_extra(name: str) -> Check:
    """Whether the packages of this extra are installed."""
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
