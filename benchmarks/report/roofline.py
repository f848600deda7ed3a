"""Layers against the core's multiply-add peak, from a results file of `python -m benchmarks layers`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from patternlite.report.figure import COLOURS, STYLE, panels_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MARKS = ("o", "s", "^", "D", "v", "P")


def roofline_figure(outcomes: Sequence[Mapping[str, Any]]) -> Figure:
    """Useful multiply-adds per second of each layer and structure, in percent of the peak of the cores used.

    outcomes: those with 1 thread in the file. Multiplications by zeros do not count, so a dense layer's share
    includes work that a pruned layer does not have.
    """
    from matplotlib import rc_context

    ways = list(dict.fromkeys(time["way"] for outcome in outcomes for time in outcome["times"]))
    with rc_context(STYLE):
        figure, (panel,) = panels_of(1, (8.6, 0.3 * len(outcomes) + 1.5))
        for way, mark in zip(ways, _MARKS, strict=False):
            points = [
                (100 * time["share"], row)
                for row, outcome in enumerate(outcomes)
                for time in outcome["times"]
                if time["way"] == way
            ]
            colour = COLOURS["dense" if way.startswith("dense") else "plugin"]
            shares, rows = zip(*points, strict=True)
            panel.scatter(
                shares,
                rows,
                marker=mark,
                color=colour,
                alpha=0.75,
                s=34,
                label=way,
                linewidths=0,
            )
        panel.axvline(100, color=COLOURS["ink"], linewidth=0.8)
        panel.set_xlim(0, 105)
        names = [f"{outcome['set']}: {layer_name(outcome['layer'])}" for outcome in outcomes]
        panel.set_yticks(range(len(outcomes)), names, fontsize=8.5)
        panel.invert_yaxis()
        panel.set_xlabel("% of one core's peak of multiply-adds by weights that are not zero")
        panel.legend(
            loc="upper center", bbox_to_anchor=(0.45, 1.12), ncols=len(ways), frameon=False, fontsize=8.5
        )
        figure.tight_layout()
    return figure


def layer_name(layer: Mapping[str, Any]) -> str:
    """The layer in words."""
    kind = "depthwise " if layer["depthwise"] else ""
    stride = f", stride {layer['stride']}" if layer["stride"] > 1 else ""
    kernel, size = layer["kernel"], layer["size"]
    channels = layer["channels"] if kind else f"{layer['channels']} to {layer['filters']}"
    return f"{kind}{kernel}x{kernel}, {channels}, map {size}x{size}{stride}"
