"""What all figures share: style, colours by role, and rendering to SVG text."""

from __future__ import annotations

import hashlib
import io
import re
from typing import TYPE_CHECKING, Any

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
STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 10,
    "svg.fonttype": "none",
    "text.color": COLOURS["ink"],
    "axes.labelcolor": COLOURS["faint"],
    "xtick.color": COLOURS["faint"],
    "ytick.color": COLOURS["ink"],
    "axes.edgecolor": COLOURS["grid"],
}


def panels_of(
    columns: int, size: tuple[float, float], rows: int = 1, *, shared: bool = True
) -> tuple[Figure, list[Axes]]:
    """A figure and its panels, row by row.  shared: whether the panels of a row share their y axis."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size)
    figure.patch.set_alpha(0)
    axes = list(figure.subplots(rows, columns, sharey="row" if shared else "none", squeeze=False).flat)
    for panel in axes:
        panel.patch.set_alpha(0)
        panel.spines[["top", "right", "left"]].set_visible(False)
        panel.tick_params(length=0)
        panel.grid(axis="x", color=COLOURS["grid"], linewidth=0.8)
        panel.set_axisbelow(True)
    return figure, axes


def annotate(panel: Axes, x: float, y: float, text: str, **style: Any) -> None:
    """Writes text just to the right of (x, y), the end of a bar."""
    panel.annotate(
        text, (x, y), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8.5, **style
    )


def to_svg(figure: Figure) -> str:
    """A whole SVG file in fixed colours, on white."""
    figure.patch.set(facecolor="white", alpha=1)
    return _render(figure)


def _render(figure: Figure) -> str:
    from matplotlib import rc_context

    buffer = io.StringIO()
    with rc_context(STYLE):
        figure.savefig(buffer, format="svg", facecolor=figure.get_facecolor(), metadata={"Date": None})
    return buffer.getvalue()


def to_inline_svg(figure: Figure) -> str:
    """An <svg> element for a page: it scales with the column and takes its colours and font from the page."""
    svg = _render(figure)
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    # Ids must be unique within a page, and matplotlib uses the same ones in every figure.
    prefix = f"f{hashlib.sha256(svg.encode()).hexdigest()[:8]}-"
    svg = re.sub(r'id="', f'id="{prefix}', svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\g<1>{prefix}", svg)
    for role, colour in COLOURS.items():
        svg = svg.replace(colour, f"var(--{role})")
    return svg
