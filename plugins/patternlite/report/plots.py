"""Plots as SVG text: for a page (colours follow the page's light or dark scheme) or for a README."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .results import PLUGIN_PRUNED, STOCK_DENSE, STOCK_PRUNED, DemoResult, Layer
from .tables import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Colours by role. In a page each becomes var(--role), which the page's style defines for both schemes.
COLOURS = {
    "ink": "#1f2933",
    "faint": "#7b8794",
    "grid": "#e4e7eb",
    "dense": "#b8c2cc",
    "pruned": "#8a9ba8",
    "plugin": "#0f8a6d",
}
_BARS = (
    (STOCK_DENSE, "dense", "stock, dense model"),
    (STOCK_PRUNED, "pruned", "stock, pruned model"),
    (PLUGIN_PRUNED, "plugin", "with patternlite"),
)
_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 10,
    "svg.fonttype": "none",
    "text.color": COLOURS["ink"],
    "axes.labelcolor": COLOURS["faint"],
    "xtick.color": COLOURS["faint"],
    "ytick.color": COLOURS["ink"],
    "axes.edgecolor": COLOURS["grid"],
}


def latency_plot(result: DemoResult) -> Figure:
    """Milliseconds per inference: one panel per thread count, three bars per runtime."""
    from matplotlib import rc_context

    cases = result.cases()
    threads = sorted({t for _, t in cases})
    runtimes = list(dict.fromkeys(r for r, _ in cases))
    with rc_context(_STYLE):
        figure, panels = _panels(len(threads), (8.4, 0.95 * len(runtimes) + 1.0))
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
        _note(panel, value, y, note, weight="bold" if label == PLUGIN_PRUNED else "normal")


def _note(panel: Axes, x: float, y: float, text: str, **style: Any) -> None:
    """Text just right of the end of a bar."""
    panel.annotate(
        text, (x, y), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8.5, **style
    )


def layer_plot(layers: Sequence[Layer]) -> Figure:
    """MACs of each convolution, dense behind kept, with the plugin's decision."""
    from matplotlib import rc_context

    with rc_context(_STYLE):
        figure, (panel,) = _panels(1, (8.4, 0.27 * len(layers) + 1.1))
        largest = max(layer.dense_macs for layer in layers) / 1e6
        for row, layer in enumerate(layers):
            dense, kept = layer.dense_macs / 1e6, layer.kept_macs / 1e6
            panel.barh(row, dense, 0.72, color=COLOURS["grid"])
            panel.barh(row, kept, 0.72, color=COLOURS["plugin" if layer.accelerated else "dense"])
            note = f"{layer.density:.0%} of {count(layer.dense_macs)} · {layer.reason}"
            _note(panel, dense, row, note, color=COLOURS["faint"])
        labels = [f"{layer.kind} · {layer.shape} · {i}" for i, layer in enumerate(layers, 1)]
        panel.set_yticks(range(len(layers)), labels, fontsize=8.5)
        panel.set_xlim(0, 1.42 * largest)
        panel.invert_yaxis()
        panel.set_xlabel("million multiply-accumulates per image")
        figure.tight_layout()
    return figure


def _panels(count: int, size: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=size)
    figure.patch.set_alpha(0)
    axes = figure.subplots(1, count, sharey=True, squeeze=False)[0]
    for panel in axes:
        panel.patch.set_alpha(0)
        panel.spines[["top", "right", "left"]].set_visible(False)
        panel.tick_params(length=0)
        panel.grid(axis="x", color=COLOURS["grid"], linewidth=0.8)
        panel.set_axisbelow(True)
    return figure, list(axes)


def to_svg(figure: Figure) -> str:
    """A whole SVG file in fixed colours, on white."""
    figure.patch.set(facecolor="white", alpha=1)
    return _render(figure)


def _render(figure: Figure) -> str:
    from matplotlib import rc_context

    buffer = io.StringIO()
    with rc_context(_STYLE):
        figure.savefig(buffer, format="svg", facecolor=figure.get_facecolor(), metadata={"Date": None})
    return buffer.getvalue()


def to_inline_svg(figure: Figure) -> str:
    """An <svg> element for a page: scales with the column, takes its colours and font from the page."""
    svg = _render(figure)
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    # Ids are page-wide, and matplotlib calls them alike in every figure.
    prefix = f"f{hashlib.sha256(svg.encode()).hexdigest()[:8]}-"
    svg = re.sub(r'id="', f'id="{prefix}', svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\g<1>{prefix}", svg)
    for role, colour in COLOURS.items():
        svg = svg.replace(colour, f"var(--{role})")
    return svg
