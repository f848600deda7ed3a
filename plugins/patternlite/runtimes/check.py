"""Tries in a child process whether a runtime computes the same with the plugin as without it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import PatternliteError, one_line
from ..support.isolated import Isolated
from .installed import Runtime, runtime_named
from .latency import TOLERANCE
from .sessions import open_session
from .timing import require_equal

PROBES = Path(__file__).parents[1] / "assets"


@dataclass(frozen=True)
class Check:
    """state: "ok", "missing" (optional and not installed) or "failed".  fix: a command, or empty."""

    what: str
    state: str
    detail: str
    fix: str = ""


def probe(runtime_name: str) -> str:
    """Runs the one-convolution model, stock and with the plugin; says how they compare.

    Raises OutputMismatchError when they differ, PatternliteError when the plugin left it to the runtime.
    """
    runtime = runtime_named(runtime_name)
    path = PROBES / f"probe{runtime.suffix}"
    stock, plugin = (open_session(runtime, path, plugin=with_plugin) for with_plugin in (False, True))
    if set(plugin.kernels()) <= {"stock"}:
        raise PatternliteError(f"the plugin leaves one convolution to {runtime_name}: nothing was compared")
    x = np.random.default_rng(0).standard_normal(stock.input_shape, dtype=np.float32)
    difference = require_equal("one convolution", stock.run(x), plugin.run(x), TOLERANCE)
    return f"one convolution with the plugin equals stock to {difference:.0e}"


def check_runtime(runtime: Runtime, plugin: bool = True) -> Check:
    """Whether the runtime is installed and computes the same with the plugin.

    plugin: whether the native library loads; without it, the check fails.
    """
    if not runtime.installed:
        return Check(runtime.name, "missing", "not installed", runtime.pip_command)
    if not plugin:
        return Check(runtime.name, "failed", f"{runtime.version}, cannot be tried without the native library")
    check = isolated(runtime.name, probe, runtime.name)
    fix = runtime.pip_command if check.state == "failed" else ""
    return Check(check.what, check.state, f"{runtime.version}, {check.detail}", fix)


def isolated(what: str, function: Callable[..., str], *args: str) -> Check:
    """Calls `function` in a child process: its answer is the detail, an error or a crash a failed check."""
    try:
        with Isolated() as process:
            return Check(what, "ok", process.call(function, *args))
    except Exception as error:  # it is the answer
        return Check(what, "failed", one_line(error))
