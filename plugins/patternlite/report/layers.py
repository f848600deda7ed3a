"""The plugin's decisions about a model file's convolutions."""

from __future__ import annotations

from pathlib import Path

from ..errors import PatternliteError
from ..isolated import Isolated
from .results import Layer


def layers_of(path: Path) -> list[Layer]:
    """What the plugin decides about each convolution of a .tflite or .mnn file.

    The runtime that reads the file runs in a process of its own: a corrupt file cannot end this one.
    """
    if not path.is_file():
        raise PatternliteError(f"{path} does not exist")
    with Isolated() as process:
        return process.call(_inspect, path)


def _inspect(path: Path) -> list[Layer]:
    from .. import inspect

    return [
        Layer(
            name=row["name"],
            kind=row["kind"],
            shape=f"{row['filters']}x{row['height']}x{row['width']}",
            **{
                key: row[key]
                for key in ("kernels_kept", "patterns", "dense_macs", "kept_macs", "reason", "kernel")
            },
        )
        for row in inspect(path).layers
    ]
