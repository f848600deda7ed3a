"""Plots of accuracy against what was saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternlite.report.figure import COLOURS, STYLE, panels_of

from ..plots import RECIPE_COLOURS, handles_of
from .plan import NOBODY
from .results import AccuracyReport, Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

_MARKS = ("o", "s", "^", "D")  # by client


def accuracy_figure(report: AccuracyReport) -> Figure:
    """A row per network: accuracy over the weights saved and, where it was timed, over the speed-up."""
    from matplotlib import rc_context

    networks = list(dict.fromkeys(s.network for s in report.summaries))
    timed = any(s.speed_up for s in report.summaries)
    with rc_context(STYLE):
        size = (9.4 if timed else 6.4, 3.4 * len(networks) + 0.9)
        figure, panels = panels_of(1 + timed, size, len(networks))
        for i, network in enumerate(networks):
            rows = [s for s in report.summaries if s.network == network]
            row = panels[i * (1 + timed) : (i + 1) * (1 + timed)]
            _draw(row[0], report, rows, "parameter_rate", "times fewer weights in the whole model")
            if timed:
                measured = [s for s in rows if s.speed_up]
                _draw(row[1], report, measured, "speed_up", "times faster than dense, measured")
            row[0].set_title(network, loc="left", fontsize=10.5, weight="bold")
            row[0].set_ylabel("accuracy, %")
        found = handles_of(panels)
        figure.legend(found.values(), found, loc="lower center", ncols=3, frameon=False, fontsize=8.5)
        figure.tight_layout(rect=(0, 0.03 + 0.24 * -(-len(found) // 3) / size[1], 1, 1))
        for panel in panels:
            _thin_out(panel)
    return figure


def _thin_out(panel: Axes) -> None:
    """Removes labels that overlap earlier ones."""
    kept: list[Bbox] = []
    for text in list(panel.texts):
        extent = text.get_window_extent()
        if any(extent.overlaps(other) for other in kept):
            text.remove()
        else:
            kept.append(extent)


def _draw(panel: Axes, report: AccuracyReport, rows: list[Summary], quantity: str, label: str) -> None:
    """Draws a line through models as pruned to the same kind of budget; retrained ones are points."""
    panel.grid(axis="y", color=COLOURS["grid"], linewidth=0.8)
    panel.set_xlabel(label)
    panel.margins(x=0.12)
    if not rows:
        return
    panel.axhline(100 * rows[0].dense, color=COLOURS["faint"], linestyle="--", linewidth=1, label="dense")
    recipes, clients = (
        list(dict.fromkeys(getattr(s, k) for s in report.summaries)) for k in ("recipe", "client")
    )
    lines: dict[tuple[str, str, str], list[Summary]] = {}
    for s in sorted(rows, key=lambda s: getattr(s, quantity)):
        lines.setdefault((s.recipe, s.client, _budget(s).split()[0]), []).append(s)
    for (recipe, client, _), points in lines.items():
        turn, shade = divmod(recipes.index(recipe), len(RECIPE_COLOURS))
        panel.errorbar(
            [getattr(s, quantity) for s in points],
            [100 * s.accuracy for s in points],
            [100 * s.spread for s in points],
            marker=_MARKS[clients.index(client) % len(_MARKS)],
            linestyle="-" if client == NOBODY else "none",
            color=RECIPE_COLOURS[shade],
            fillstyle="none" if turn else "full",
            markersize=5.5,
            capsize=2,
            label=f"{recipe}, " + ("no real image" if client == NOBODY else f"retrained: {client}"),
        )
        if client == NOBODY:
            for s in points:
                place = (getattr(s, quantity), 100 * s.accuracy)
                panel.annotate(
                    _budget(s), place, (0, -13), textcoords="offset points", ha="center", fontsize=7.5,
                    color=COLOURS["faint"],
                )  # fmt: skip


def _budget(s: Summary) -> str:
    return s.case.partition(" ")[2]
