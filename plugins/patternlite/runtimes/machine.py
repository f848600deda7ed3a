"""The machine and the versions that a figure was measured with."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
from dataclasses import dataclass
from pathlib import Path

from .. import __version__
from .installed import RUNTIMES

_LEVELS = (
    ("AVX-512", {"avx512f", "avx512bw", "avx512dq", "avx512vl"}),
    ("AVX2", {"avx2", "fma"}),
    ("NEON", {"asimd"}),
)


@dataclass(frozen=True)
class Machine:
    """cores: those this process may use.  simd: the vector instruction sets of the CPU, best first."""

    cpu: str
    cores: int
    simd: tuple[str, ...]
    system: str
    python: str


def describe_machine() -> Machine:
    info = _cpu_info()
    flags = set((info.get("flags") or info.get("Features") or "").split())
    return Machine(
        cpu=info.get("model name") or platform.processor() or platform.machine(),
        cores=len(os.sched_getaffinity(0)),
        simd=tuple(name for name, needed in _LEVELS if needed <= flags),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=platform.python_version(),
    )


def _cpu_info() -> dict[str, str]:
    """The first processor of /proc/cpuinfo; empty where there is none."""
    try:
        first = Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.split(":", 1) for line in first.splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, value in pairs}


def versions() -> dict[str, str | None]:
    """Versions of patternlite and of the packages it works with; None for those not installed."""
    found: dict[str, str | None] = {"patternlite": __version__}
    found |= {package: version_of(package) for package in ("numpy", "torch", "onnx2tf")}
    return found | {runtime.name: runtime.version for runtime in RUNTIMES}


def version_of(package: str) -> str | None:
    """The installed version of a package, named as for pip; None if it is not installed."""
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version(package)
    return None
