"""Accuracy against latency, from the results of `python -m benchmarks accuracy --latency`."""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patternlite.report.figure import COLOURS, STYLE, annotate, panels_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def accuracy_files(folder: Path) -> list[Path]:
    """The newest last."""
    return sorted(folder.glob("accuracy-*.json"), key=lambda path: path.stat().st_mtime)


def front_figure(path: Path) -> Figure | None:
    """Percent right over ms, each point a recipe's mean over its seeds; None where nothing was timed."""
    from matplotlib import rc_context

    points = _points(json.loads(path.read_text(encoding="utf-8")).get("outcomes", ()))
    if not points:
        return None
    with rc_context(STYLE):
        figure, (panel,) = panels_of(1, (7.4, 4.0))
        for i, ((case, recipe, client), values) in enumerate(points.items()):
            milliseconds, accuracy = (statistics.mean(column) for column in zip(*values, strict=True))
            role = "dense" if recipe == "dense" else "plugin"
            panel.scatter(milliseconds, 100 * accuracy, s=36, color=COLOURS[role])
            name = f"{case}, {recipe}" + ("" if client == "none" else f", {client}")
            annotate(panel, milliseconds, 100 * accuracy + 0.02 * (i % 2), name, color=COLOURS["faint"])
        panel.set_xlim(0)
        panel.margins(x=0.4, y=0.15)
        panel.grid(axis="y", color=COLOURS["grid"])
        panel.set_xlabel("ms per image (left is faster)")
        panel.set_ylabel("% of the test images right")
        figure.tight_layout()
    return figure


def _points(rows: Any) -> dict[tuple[str, str, str], list[tuple[float, float]]]:
    """(case, recipe, client) -> (ms, accuracy) of each seed; the dense model of a case as recipe "dense"."""
    points: dict[tuple[str, str, str], list[tuple[float, float]]] = defaultdict(list)
    for row in rows:
        if row.get("speed"):
            client = row["client"]
            points[row["case"], row["recipe"], client].append((row["speed"]["pruned_ms"], row["accuracy"]))
            points[row["case"], "dense", "none"].append((row["speed"]["dense_ms"], row["dense"]))
    return points
