"""Figures of whole networks: speed-ups, rates, structures, and what lies on disk and in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from patternlite.report.figure import COLOURS, STYLE, annotate, panels_of

from ..protocol import speed_up
from ..results import Outcome
from .paper import BARS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OURS = ("ours in TFLite", "ours", "ours in MNN")


def best_of_ours(outcome: Outcome) -> str | None:
    """The fastest, by the median."""
    ours = [label for label in OURS if label in outcome.measured]
    return min(ours, key=lambda label: outcome.measured[label].timing.median, default=None)


def speed_up_figure(outcomes: Sequence[Outcome]) -> Figure:
    """A panel per network, all of one number of threads: the fastest of ours over each rival.

    The scale is logarithmic; the line is 1, where nothing is gained.
    """
    from matplotlib import rc_context

    columns = min(3, len(outcomes))
    grid_rows = -(-len(outcomes) // columns)
    bars = max(len(outcome.measured) for outcome in outcomes)
    with rc_context(STYLE):
        size = (4.3 * columns + 1.4, (0.235 * bars + 0.85) * grid_rows)
        figure, panels = panels_of(columns, size, grid_rows)
        for panel, outcome in zip(panels, outcomes, strict=False):
            _speed_ups(panel, outcome)
        for panel in panels[len(outcomes) :]:
            panel.set_visible(False)
        figure.tight_layout()
    return figure


def _speed_ups(panel: Axes, outcome: Outcome) -> None:
    best = best_of_ours(outcome)
    if best is None:
        return
    rivals = [label for label in outcome.measured if label not in OURS]
    panel.set_xscale("log")
    for row, label in enumerate(rivals):
        factor = speed_up(outcome.measured[label], outcome.measured[best])
        role = "plugin" if label in {bar.over for bar in BARS} else "dense"
        panel.barh(row, factor - 1, 0.74, left=1, color=COLOURS[role])
        annotate(panel, max(factor, 1), row, f"{factor:.1f}x" if factor < 100 else f"{factor:.0f}x")
    panel.axvline(1, color=COLOURS["ink"], linewidth=0.8)
    panel.set_yticks(range(len(rivals)), rivals, fontsize=8.5)
    panel.tick_params(axis="y", labelleft=True)
    panel.set_ylim(len(rivals) - 0.4, -0.6)
    panel.set_xlim(0.45, 400)
    panel.set_xticks([1, 2, 5, 10, 100], ["1x", "2x", "5x", "10x", "100x"])
    panel.minorticks_off()
    milliseconds = outcome.measured[best].timing.median
    panel.set_title(f"{outcome.case.name}: {milliseconds:.1f} ms", loc="left", fontsize=10.5, weight="bold")


def rate_figure(outcomes: Sequence[Outcome]) -> Figure | None:
    """Speed-up over the rate of the pruned layers, of one network; None without such cases."""
    from matplotlib import rc_context

    points = sorted(((rate_of(outcome), outcome) for outcome in outcomes), key=lambda point: point[0])
    if len(points) < 2:
        return None
    with rc_context(STYLE):
        figure, (panel,) = panels_of(1, (6.4, 3.6))
        for (over, ours), role in ((("TFLite", "ours in TFLite"), "plugin"), (("MNN", "ours in MNN"), "ink")):
            line = [
                (rate, speed_up(o.measured[over], o.measured[ours]))
                for rate, o in points
                if over in o.measured and ours in o.measured
            ]
            panel.plot(*zip(*line, strict=True), "o-", color=COLOURS[role])
            annotate(panel, *line[-1], f" over {over}", color=COLOURS[role])
        ideal = [(rate, o.mac_rate) for rate, o in points]
        panel.plot(*zip(*ideal, strict=True), "--", color=COLOURS["faint"], linewidth=1)
        annotate(panel, *ideal[-1], " fewer multiplications,\n whole network", color=COLOURS["faint"])
        panel.set_xlim(0, 1.35 * points[-1][0])
        panel.set_ylim(0)
        panel.grid(axis="y", color=COLOURS["grid"])
        panel.set_xlabel("rate: how many times fewer weights the pruned 3x3 layers keep")
        panel.set_ylabel("times faster")
        panel.set_xticks([rate for rate, _ in points], [f"{rate:g}x" for rate, _ in points])
        figure.tight_layout()
    return figure


def rate_of(outcome: Outcome) -> float:
    """Of the 3x3 layers; the plan's 8 where the case has none of its own."""
    return outcome.case.rates.conv3x3 if outcome.case.rates else 8.0


def size_figure(outcomes: Sequence[Outcome]) -> Figure:
    """MB: the most memory that loading and one run took, a bar per contender; its model file as a mark."""
    from matplotlib import rc_context

    shown = list({o.case.net: o for o in outcomes if o.preparations}.values())
    with rc_context(STYLE):
        figure, panels = panels_of(len(shown), (3.1 * len(shown) + 1.6, 2.6))
        for panel, outcome in zip(panels, shown, strict=True):
            for row, (label, preparation) in enumerate(outcome.preparations.items()):
                memory = preparation.peak_bytes / 1e6
                panel.barh(row, memory, 0.7, color=COLOURS["plugin" if label in OURS else "dense"])
                note = f"{memory:.0f}"
                if label in outcome.sizes:
                    note += f", file {outcome.sizes[label] / 1e6:.0f}"
                annotate(panel, memory, row, note)
            panel.set_yticks(range(len(outcome.preparations)), list(outcome.preparations), fontsize=8.5)
            panel.set_xlim(0, 1.5 * max(p.peak_bytes for p in outcome.preparations.values()) / 1e6)
            panel.set_title(outcome.case.net, loc="left", fontsize=10.5, weight="bold")
            panel.set_xlabel("MB")
        panels[0].invert_yaxis()
        figure.tight_layout()
    return figure
