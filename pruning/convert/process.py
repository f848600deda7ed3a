"""Child processes in which converters and runtimes work, outside the user's process.

They print, hold memory, import from the current folder, and crash on files that they do not like (MNN's
converter ends with a segmentation fault on a broken .tflite). In a child all of that becomes an error text.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from patternlite.errors import missing_packages
from patternlite.support.isolated import environment_of_child

from .result import ConversionError

# Packages needed to write and run files with a suffix.
PACKAGES = {
    ".onnx": ("onnx", "onnxruntime"),
    ".tflite": ("onnx2tf", "onnx_graphsurgeon", "onnxoptimizer", "onnxsim", "tensorflow"),
    ".mnn": ("MNN", "_tools"),
}
_TFLITE_RUNTIMES = ("ai_edge_litert", "tflite_runtime", "tensorflow")

_WORKERS = Path(__file__).parent / "workers"
_SHOWN_LINES = 5
_ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "",  # TensorFlow would reserve the whole GPU just to rewrite a graph
    "PYTHONIOENCODING": "utf-8",
}


def require(*modules: str) -> None:
    """Raises a ConversionError that names all the modules that are not installed, and the fix."""
    if missing := missing_packages(*modules):
        raise ConversionError(f"missing {', '.join(missing)}: pip install 'patternlite[convert]'")


def packages_to_run(suffix: str) -> tuple[str, ...]:
    """Packages needed to run files with a suffix; any one of TFLite's runtimes will do."""
    if suffix != ".tflite":
        return PACKAGES[suffix]
    return (next((m for m in _TFLITE_RUNTIMES if not missing_packages(m)), "tensorflow"),)


def run_worker(name: str, *arguments: str | Path, folder: Path) -> None:
    """Runs workers/<name>.py with `folder` as its current folder, silently.

    Raises:
        ConversionError: the worker failed; the text ends with what it printed last.
    """
    command = [sys.executable, str(_WORKERS / f"{name}.py"), *map(str, arguments)]
    finished = subprocess.run(
        command,
        cwd=folder,
        env=environment_of_child(**_ENVIRONMENT),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    if finished.returncode != 0:
        how = "crashed" if finished.returncode < 0 else "failed"
        last = _last_words(finished.stdout) or "is the model damaged?"
        raise ConversionError(f"{name} {how} (exit code {finished.returncode}): {last}")


def _last_words(printed: str) -> str:
    """The error at the end of a traceback, or else the last lines, joined to one line."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    inside = [i for i, line in enumerate(printed.splitlines()) if line.startswith("Traceback (most recent")]
    if inside:
        after = printed.splitlines()[inside[-1] + 1 :]
        lines = [line.strip() for line in after if line.strip() and not line.startswith(" ")]
    return " ".join(lines[-_SHOWN_LINES:])
