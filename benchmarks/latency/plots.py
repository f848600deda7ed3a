"""Plots of networks' times, as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternlite.report.figure import COLOURS, STYLE, annotate, panels_of

from ..timing.protocol import speed_up
from .results import NetReport, Outcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def latency_figure(report: NetReport, ours: str = "ours") -> Figure:
    """Milliseconds: a row of panels per network, a column per number of threads, a bar per contender."""
    from matplotlib import rc_context

    threads = sorted({o.threads for o in report.outcomes})
    cases = list(dict.fromkeys(o.case.name for o in report.outcomes))
    bars = max(len(o.measured) for o in report.outcomes)
    size = (5.2 * len(threads) + 1.6, (0.27 * bars + 0.8) * len(cases) + 0.3)
    with rc_context(STYLE):
        figure, panels = panels_of(len(threads), size, len(cases))
        places = [(case, n) for case in cases for n in threads]
        for panel, (case, n) in zip(panels, places, strict=True):
            outcome = next((o for o in report.outcomes if (o.case.name, o.threads) == (case, n)), None)
            if outcome is not None:
                _bars(panel, outcome, ours)
            panel.set_title(
                f"{case}, {n} thread{'s' if n > 1 else ''}", loc="left", fontsize=10.5, weight="bold"
            )
        for panel in panels[:: len(threads)]:
            panel.invert_yaxis()  # shared: inverts the row
        for panel in panels[-len(threads) :]:
            panel.set_xlabel("ms per image (shorter is better)")
        figure.tight_layout()
    return figure


def _bars(panel: Axes, outcome: Outcome, ours: str) -> None:
    reference = outcome.measured.get(ours)
    for row, (label, entry) in enumerate(outcome.measured.items()):
        role = "plugin" if label.startswith(ours) else "dense"
        panel.barh(row, entry.timing.minimum, 0.8, color=COLOURS[role])
        text = f"{entry.timing.minimum:.2f}"
        if reference is not None and label != ours:
            text += f" · {speed_up(entry, reference):.1f}x"
        annotate(panel, entry.timing.minimum, row, text, weight="bold" if label == ours else "normal")
    panel.set_yticks(range(len(outcome.measured)), list(outcome.measured))
    panel.set_xlim(0, 1.25 * max(entry.timing.minimum for entry in outcome.measured.values()))
