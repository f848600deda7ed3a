"""The plugin's decisions as rows of tables and plots."""

from __future__ import annotations

from ..inspection import Inspection
from .results import Layer


def layers_in(inspection: Inspection) -> list[Layer]:
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
        for row in inspection.layers
    ]
