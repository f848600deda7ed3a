"""What the plugin would do with each convolution of a model file, and why."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import PatternliteError, one_line
from .layers import text_table
from .runtimes.installed import tflite_runtime
from .runtimes.sessions import is_tflite, require_fixed_sizes, tflite_interpreter
from .stored.stamp import MaskCheck, check_masks
from .support.files import require_file
from .support.isolated import environment_of_child
from .support.native import load_native


@dataclass(frozen=True)
class Inspection:
    """The layers of a model file; `str()` gives a table.

    layers: one dict per convolution or fully connected layer, in the model's order (graph by graph if a
        .tflite file has several), with these keys:
        name; kind, such as "conv3x3s2"; filters, channels; height, width of the output;
        dense_macs, kept_macs: multiply-accumulates for one image;
        kernels_kept: the fraction of kernels with any weight left;
        patterns: the number of distinct patterns; 512 stands for 512 or more;
        reason: what its zeros were recognised as, such as "pattern", "dense:too-few-zeros" or
        "declined:dtype-int8";
        kernel: "stock" if the layer is left to the runtime. The plugin also runs dense layers, where they
        lie between layers that it takes;
        weight_bytes: of the packed weights; 0 if the layer is left to the runtime.
    activation_bytes: the peak memory of our layers' activations for one image (tensors share it).
    masks: whether the zeros are those of the masks that the file says it was made with.
    """

    path: str
    layers: list[dict[str, Any]]
    activation_bytes: int
    masks: MaskCheck

    def __str__(self) -> str:
        return f"{text_table(self.layers)}\n{self.masks}\n{self.summary}"

    @property
    def summary(self) -> str:
        """One line: how many layers, how much memory."""
        ours = sum(layer["kernel"] != "stock" for layer in self.layers)
        weights = sum(layer["weight_bytes"] for layer in self.layers)
        return (
            f"{ours} of {len(self.layers)} layers of {self.path} run in the plugin: "
            f"{weights / 1e6:.1f} MB of weights, {self.activation_bytes / 1e6:.1f} MB of activations"
        )


def inspect(path: str | os.PathLike[str]) -> Inspection:
    """Loads a .tflite or .mnn model with the plugin, in a process of its own, and reports on each layer.

    A .tflite model is loaded in the first of ai-edge-litert, tflite-runtime and tensorflow that is
    installed.

    Raises ValueError when the file is no such model or is damaged, FileNotFoundError when it does not exist,
    PatternliteError when it leaves the size of its images open or MNN cannot read it, MissingPackageError,
    naming the pip command, when no runtime is installed, and ImportError when the package's compiled part is
    missing.
    """
    path = Path(path)
    reader = _READERS.get(path.suffix)
    if reader is None:
        raise ValueError(f"{path} is neither a .tflite nor a .mnn file; convert the model to one of these")
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    require_file(path)
    load_native()
    if path.suffix == ".tflite":
        if not is_tflite(path):
            raise ValueError(
                f"{path} is not a TFLite model: it lacks the identifier TFL3; convert the model again"
            )
        tflite_runtime()
    answer = _read_apart(path)
    return Inspection(str(path), answer["layers"], answer["activation_bytes"], check_masks(path))


def _read_apart(path: Path) -> dict[str, Any]:
    """Reads the model in a child process: stock runtimes do not verify files and may crash on a damaged one.

    -P keeps Python files in the current folder from being imported in place of packages.
    """
    result = subprocess.run(
        [sys.executable, "-P", "-m", "patternlite.inspection", str(path)],
        env=environment_of_child(),
        capture_output=True,
        text=True,
        errors="replace",
    )
    # The runtimes also print to stdout; our answer is the last line.
    with contextlib.suppress(json.JSONDecodeError, IndexError, AttributeError):
        answer: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
        if "refused" in answer:
            raise PatternliteError(answer["refused"])
        if "error" in answer:
            raise ValueError(f"{path} cannot be loaded: {answer['error']}")
        if {"layers", "activation_bytes"} <= answer.keys():
            return answer
    if result.returncode < 0:
        raise ValueError(
            f"{path} is damaged, maybe cut short: the runtime crashed on it; copy or convert it again"
        )
    last = (result.stderr.strip().splitlines() or ["no message"])[-1]
    raise ValueError(f"{path} cannot be inspected: {last}")


def _read_tflite(path: str) -> dict[str, Any]:
    from .tflite import load_delegate

    interpreter = tflite_interpreter(tflite_runtime())
    delegate = load_delegate()
    loaded = interpreter(model_path=path, experimental_delegates=[delegate])
    require_fixed_sizes(Path(path), loaded.get_input_details())
    loaded.allocate_tensors()
    return {"layers": delegate.layers, "activation_bytes": delegate.activation_bytes}


def _read_mnn(path: str) -> dict[str, Any]:
    from .mnn import inspect_file

    stats = inspect_file(path)
    return {"layers": stats.layers, "activation_bytes": stats.activation_bytes}


_READERS = {".tflite": _read_tflite, ".mnn": _read_mnn}


def _main(path: str) -> None:
    try:
        answer = _READERS[Path(path).suffix](path)
    except PatternliteError as error:
        answer = {"refused": one_line(error)}
    except Exception as error:  # each runtime raises errors of its own types
        answer = {"error": one_line(error)}
    print("\n" + json.dumps(answer), flush=True)


if __name__ == "__main__":
    _main(sys.argv[1])
