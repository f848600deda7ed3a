"""Results as figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from patternlite.report.figure import COLOURS, STYLE, annotate, panels_of, to_svg
from patternlite.report.results import write_atomically

from .protocol import speed_up
from .results import NetReport, Outcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEIGHT = 0.8


def latency_figure(report: NetReport, ours: str = "ours") -> Figure:
    """Milliseconds, one panel per number of threads, one group of bars per network."""
    from matplotlib import rc_context

    threads = sorted({o.threads for o in report.outcomes})
    cases = list(dict.fromkeys(o.case.name for o in report.outcomes))
    bars = max(len(o.measured) for o in report.outcomes)
    with rc_context(STYLE):
        figure, panels = panels_of(len(threads), (5.6 * len(threads) + 1, 0.24 * bars * len(cases) + 1.2))
        for panel, n in zip(panels, threads, strict=True):
            for outcome in (o for o in report.outcomes if o.threads == n):
                _group(panel, outcome, cases.index(outcome.case.name), ours)
            panel.set_title(f"{n} thread{'s' if n > 1 else ''}", loc="left", fontsize=10.5, weight="bold")
            panel.set_yticks(range(len(cases)), cases)
            panel.set_xlabel("ms per image (shorter is better)")
            panel.set_xscale("log")
            panel.margins(x=0.4)
        panels[0].invert_yaxis()  # shared: inverts all
        figure.tight_layout()
    return figure


def _group(panel: Axes, outcome: Outcome, row: int, ours: str) -> None:
    height = _HEIGHT / len(outcome.measured)
    reference = outcome.measured.get(ours)
    for i, (label, entry) in enumerate(outcome.measured.items()):
        y = row - _HEIGHT / 2 + (i + 0.5) * height
        role = "plugin" if label.startswith(ours) else "dense"
        panel.barh(y, entry.timing.minimum, 0.86 * height, color=COLOURS[role])
        text = f"{label} {entry.timing.minimum:.2f}"
        if reference is not None and label != ours:
            text += f" · {speed_up(entry, reference):.1f}x"
        annotate(panel, entry.timing.minimum, y, text, weight="bold" if label == ours else "normal")


def write_figure(figure: Figure, path: Path) -> None:
    """path.png and path.svg."""
    beside = path.with_suffix(".part")
    figure.patch.set(facecolor="white", alpha=1)
    figure.savefig(beside, format="png", dpi=150)
    beside.replace(path.with_suffix(".png"))
    write_atomically(path.with_suffix(".svg"), to_svg(figure))
