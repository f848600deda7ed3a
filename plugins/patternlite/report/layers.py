"""The plugin's decisions about a model file's convolutions."""

from __future__ import annotations

from pathlib import Path

from ..inspection import inspect
from .results import Layer


def layers_of(path: Path) -> list[Layer]:
    """What the plugin decides about each layer of a .tflite or .mnn file; errors as `inspect`'s."""
    return [
        Layer(
            name=row["name"],
            kind=row["kind"],
            shape=f"{row['filters']}x{row['height']}x{row['width']}",
            kernels_kept=row["kernels_kept"],
            patterns=row["patterns"],
            dense_macs=row["dense_macs"],
            kept_macs=row["kept_macs"],
            reason=row["reason"],
            kernel=row["kernel"],
        )
        for row in inspect(path).layers
    ]
