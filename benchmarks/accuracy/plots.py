"""Accuracy against what was saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternlite.report.figure import COLOURS, STYLE, panels_of

from .plan import NOBODY
from .results import AccuracyReport, Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKS = ("o", "s", "^", "D")


def accuracy_figure(report: AccuracyReport) -> Figure:
    """A row per network: accuracy over the weights saved and, where it was timed, over the speed-up."""
    from matplotlib import rc_context

    networks = list(dict.fromkeys(_network(s) for s in report.summaries))
    timed = any(s.speed_up for s in report.summaries)
    with rc_context(STYLE):
        size = (8.4 if timed else 6.4, 3.6 * len(networks))
        figure, panels = panels_of(1 + timed, size, len(networks))
        for i, network in enumerate(networks):
            rows = [s for s in report.summaries if _network(s) == network]
            row = panels[i * (1 + timed) : (i + 1) * (1 + timed)]
            _draw(row[0], rows, "parameter_rate", "times fewer weights in the whole model")
            if timed:
                _draw(
                    row[1], [s for s in rows if s.speed_up], "speed_up", "times faster than dense, measured"
                )
            row[0].set_title(network, loc="left", fontsize=10.5, weight="bold")
            row[0].set_ylabel("accuracy, %")
            row[0].legend(frameon=False, fontsize=8.5)
        figure.tight_layout()
    return figure


def _draw(panel: Axes, rows: list[Summary], quantity: str, label: str) -> None:
    panel.grid(axis="y", color=COLOURS["grid"], linewidth=0.8)
    panel.axhline(100 * rows[0].dense, color=COLOURS["faint"], linestyle="--", linewidth=1, label="dense")
    recipes = list(dict.fromkeys(s.recipe for s in rows))
    clients = list(dict.fromkeys(s.client for s in rows))
    for recipe in recipes:
        for client in clients:
            points = sorted(
                ((getattr(s, quantity), s) for s in rows if (s.recipe, s.client) == (recipe, client)),
                key=lambda point: point[0],
            )
            if not points:
                continue
            panel.errorbar(
                [x for x, _ in points],
                [100 * s.accuracy for _, s in points],
                [100 * s.spread for _, s in points],
                marker=_MARKS[clients.index(client) % len(_MARKS)],
                linestyle="-" if client == NOBODY else "none",
                color=COLOURS["plugin" if recipe == recipes[0] else "pruned"],
                markersize=6,
                capsize=2,
                label=recipe + (", no real image" if client == NOBODY else f", {client} retrained"),
            )
    panel.set_xlabel(label)


def _network(s: Summary) -> str:
    return s.case.split()[0]
