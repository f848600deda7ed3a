"""The demo's plots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..layers import Layer
from ..support.units import count
from .figure import COLOURS, STYLE, annotate, panels_of
from .results import PLUGIN_PRUNED, STOCK_DENSE, STOCK_PRUNED, DemoResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BARS = (
    (STOCK_DENSE, "dense", "stock, dense model"),
    (STOCK_PRUNED, "pruned", "stock, pruned model"),
    (PLUGIN_PRUNED, "plugin", "with patternlite"),
)


def latency_plot(result: DemoResult) -> Figure:
    """Milliseconds per inference: one panel per thread count, three bars per runtime."""
    from matplotlib import rc_context

    cases = result.cases()
    threads = sorted({t for _, t in cases})
    runtimes = list(dict.fromkeys(r for r, _ in cases))
    with rc_context(STYLE):
        figure, panels = panels_of(len(threads), (8.4, 0.95 * len(runtimes) + 1.0))
        for panel, n in zip(panels, threads, strict=True):
            for row, runtime in enumerate(runtimes):
                _latency_bars(panel, result, runtime, n, row)
            panel.set_title(f"{n} thread{'s' if n > 1 else ''}", loc="left", fontsize=10.5, weight="bold")
            panel.set_yticks(range(len(runtimes)), runtimes)
            panel.set_xlabel("ms per image (shorter is better)")
            panel.margins(x=0.22)
        panels[0].invert_yaxis()  # shared: inverts all
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles[:3], labels[:3], loc="upper right", ncols=3, frameon=False, fontsize=9)
        figure.tight_layout(rect=(0, 0, 1, 0.95))
    return figure


def _latency_bars(panel: Axes, result: DemoResult, runtime: str, threads: int, row: int) -> None:
    height = 0.26
    for i, (label, role, text) in enumerate(_BARS):
        value = result.latency(runtime, threads, label).timing.minimum
        y = row + (i - 1) * height
        panel.barh(y, value, height * 0.86, color=COLOURS[role], label=text)
        note = f"{value:.2f}"
        if label == PLUGIN_PRUNED:
            note += f" · {result.speed_ups(runtime, threads)[0]:.1f}x faster"
        annotate(panel, value, y, note, weight="bold" if label == PLUGIN_PRUNED else "normal")


def layer_plot(layers: Sequence[Layer]) -> Figure:
    """MACs of each convolution, dense behind kept, with the plugin's decision."""
    from matplotlib import rc_context

    with rc_context(STYLE):
        figure, (panel,) = panels_of(1, (8.4, 0.27 * len(layers) + 1.1))
        largest = max(layer.dense_macs for layer in layers) / 1e6
        for row, layer in enumerate(layers):
            dense, kept = layer.dense_macs / 1e6, layer.kept_macs / 1e6
            panel.barh(row, dense, 0.72, color=COLOURS["grid"])
            panel.barh(row, kept, 0.72, color=COLOURS["plugin" if layer.accelerated else "dense"])
            note = f"{layer.density:.0%} of {count(layer.dense_macs)} · {layer.reason}"
            annotate(panel, dense, row, note, color=COLOURS["faint"])
        labels = [f"{layer.kind} · {layer.shape} · {i}" for i, layer in enumerate(layers, 1)]
        panel.set_yticks(range(len(layers)), labels, fontsize=8.5)
        panel.set_xlim(0, 1.42 * largest)
        panel.invert_yaxis()
        panel.set_xlabel("million multiply-accumulates per image")
        figure.tight_layout()
    return figure
