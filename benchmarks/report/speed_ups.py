"""Figures of whole networks: speed-ups, rates, memory and file sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from patternlite.report.figure import COLOURS, STYLE, annotate, panels_of

from ..latency.results import Outcome
from ..plots import handles_of
from ..timing.protocol import speed_up
from .paper import BARS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OURS = ("ours in TFLite", "ours", "ours in MNN")
_MOST = 20.0


def best_of_ours(outcome: Outcome) -> str | None:
    """The fastest of ours, by the median."""
    ours = [label for label in OURS if label in outcome.measured]
    return min(ours, key=lambda label: outcome.measured[label].timing.median, default=None)


def speed_up_figure(outcomes: Sequence[Outcome]) -> Figure:
    """A panel per network, all with one number of threads: the fastest of ours over each rival.

    The scale is logarithmic and ends at _MOST; the line is at 1, where nothing is gained.
    """
    from matplotlib import rc_context

    columns = min(2, len(outcomes))
    grid_rows = -(-len(outcomes) // columns)
    bars = max(len(outcome.measured) for outcome in outcomes)
    with rc_context(STYLE):
        size = (4.3 * columns + 1.4, (0.235 * bars + 0.85) * grid_rows)
        figure, panels = panels_of(columns, size, grid_rows, shared=False)
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
    least = 1.0
    for row, label in enumerate(rivals):
        factor = speed_up(outcome.measured[label], outcome.measured[best])
        least = min(least, factor)
        role = "plugin" if label in {bar.over for bar in BARS} else "dense"
        panel.barh(row, min(factor, _MOST) - 1, 0.74, left=1, color=COLOURS[role])
        text = f"{factor:.1f}x" if factor < 100 else f"{factor:.0f}x"
        annotate(panel, min(max(factor, 1), _MOST), row, text)
    panel.axvline(1, color=COLOURS["ink"], linewidth=0.8)
    panel.set_yticks(range(len(rivals)), rivals, fontsize=8.5)
    panel.set_ylim(len(rivals) - 0.4, -0.6)
    panel.set_xlim(min(0.3, 0.8 * least), 2 * _MOST)
    panel.set_xticks([0.5, 1, 2, 5, 10, 20], ["0.5x", "1x", "2x", "5x", "10x", "20x"])
    panel.minorticks_off()
    milliseconds = outcome.measured[best].timing.median
    panel.set_title(f"{outcome.case.name}: {milliseconds:.1f} ms", loc="left", fontsize=10.5, weight="bold")


_PAIRS = {"TFLite": ("ours in TFLite", "plugin"), "MNN": ("ours in MNN", "ink")}


def rate_figure(outcomes: Sequence[Outcome]) -> Figure | None:
    """Speed-up over the rate of the pruned layers, a panel per network that was measured at several rates."""
    from matplotlib import rc_context

    lines: dict[str, list[Outcome]] = {}
    for outcome in sorted(outcomes, key=lambda outcome: outcome.rates.conv3x3):
        lines.setdefault(outcome.case.net, []).append(outcome)
    lines = {net: line for net, line in lines.items() if len(line) > 1}
    if not lines:
        return None
    with rc_context(STYLE):
        figure, panels = panels_of(len(lines), (3.6 * len(lines) + 1.0, 3.4))
        for panel, (net, line) in zip(panels, lines.items(), strict=True):
            panel.set_title(net, loc="left", fontsize=10.5, weight="bold")
            _rates(panel, line)
        panels[0].set_ylabel("times faster")
        panels[0].set_ylim(0)
        found = handles_of(panels)
        figure.legend(found.values(), found, loc="lower center", ncols=3, frameon=False, fontsize=8.5)
        figure.tight_layout(rect=(0, 0.07, 1, 1))
    return figure


def _rates(panel: Axes, line: Sequence[Outcome]) -> None:
    rates = [outcome.rates.conv3x3 for outcome in line]
    for over, (ours, role) in _PAIRS.items():
        if not all(label in o.measured for o in line for label in (over, ours)):
            continue
        factors = [speed_up(o.measured[over], o.measured[ours]) for o in line]
        panel.plot(rates, factors, "o-", color=COLOURS[role], label=f"{ours} over {over}")
    panel.plot(
        rates,
        [outcome.mac_rate for outcome in line],
        "--",
        color=COLOURS["faint"],
        linewidth=1,
        label="fewer multiplications, whole network",
    )
    panel.grid(axis="y", color=COLOURS["grid"])
    panel.set_xlabel("times fewer weights in pruned layers")
    panel.set_xticks(rates, [f"{rate:g}" for rate in rates])


def size_figure(outcomes: Sequence[Outcome]) -> Figure | None:
    """In MB, the most memory that loading and one run took, with the model file's size; a bar per contender.

    None if loading was not measured.
    """
    from matplotlib import rc_context

    shown = list({o.case.net: o for o in outcomes if o.preparations}.values())
    if not shown:
        return None
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
