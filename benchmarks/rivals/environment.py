"""The rivals' own virtual environment: their packages conflict with ours (numpy 2, a newer protobuf).

A process in it (patternlite.support.isolated) finds its packages first, and then ours.
"""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import sysconfig
from pathlib import Path

from patternlite.errors import PatternliteError
from patternlite.support.files import write_atomically

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
RIVALS_THERE = ("apache-tvm", "ncnn", "onnxruntime", "openvino")
_HOME = Path(__file__).parents[2] / "build" / "rivals"


def python() -> Path:
    return _HOME / "bin" / "python"


def packages() -> Path:
    return Path(sysconfig.get_path("purelib", vars={"base": str(_HOME)}))


def version(package: str) -> str | None:
    """The version of a package that is installed there; None if it is not."""
    found = importlib.metadata.Distribution.discover(name=package, path=[str(packages())])
    return next((distribution.version for distribution in found), None)


def versions() -> dict[str, str | None]:
    """The versions of the rivals that are installed there."""
    return {f"{name} (rivals)": version(name) for name in RIVALS_THERE}


def install() -> Path:
    """Makes the environment, or updates it to requirements.txt. Returns its folder."""
    _run(sys.executable, "-m", "venv", str(_HOME))
    # --no-deps, since pnnx needs torch only to convert torch's own models.
    pip = (str(python()), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps")
    _run(*pip, "-r", str(REQUIREMENTS))
    ours = sysconfig.get_path("purelib")
    write_atomically(packages() / "patternlite-behind.pth", f"import site; site.addsitedir({ours!r})\n")
    return _HOME


def _run(*command: str) -> None:
    if subprocess.run(command).returncode:
        raise PatternliteError(f"this failed: {' '.join(command)}")
