"""Plots of a pruning run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .figure import COLOURS, STYLE, annotate, panels_of
from .tables import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from patternlite.pruning import LayerReport


def pruning_plot(layers: Sequence[LayerReport]) -> Figure:
    """For each layer, in forward order: the share of its weights that stays, and the error of its output.

    A layer that was left dense has no bar.
    """
    from matplotlib import rc_context

    with rc_context(STYLE):
        figure, (kept, errors) = panels_of(2, (8.4, 0.27 * len(layers) + 1.1))
        for row, layer in enumerate(layers):
            share = 100 / layer.rate
            kept.barh(row, 100, 0.72, color=COLOURS["grid"])
            if layer.rate > 1:
                kept.barh(row, share, 0.72, color=COLOURS["plugin"])
                note = f"{layer.rate:.1f}x fewer · {layer.structure}"
                annotate(kept, share if share < 60 else 0, row, note, color=COLOURS["ink"])
            else:
                annotate(kept, 0, row, layer.structure, color=COLOURS["faint"])
            errors.barh(row, layer.relative_error, 0.72, color=COLOURS["pruned"])
            annotate(errors, layer.relative_error, row, f"{layer.relative_error:.3f}", color=COLOURS["faint"])
        kept.set_yticks(range(len(layers)), [shortened(layer.name) for layer in layers], fontsize=8.5)
        kept.set_ylim(len(layers) - 0.4, -0.6)
        kept.set_xlim(0, 100)
        kept.set_xlabel("weights that stay, %")
        errors.set_xlim(0, 1.18 * max(1e-6, *(layer.relative_error for layer in layers)))
        errors.set_xlabel("relative error of the output")
        figure.tight_layout()
    return figure


def residual_plot(layers: Sequence[LayerReport]) -> Figure | None:
    """ADMM's primal and dual residuals after each stage; None if no layer was solved by ADMM."""
    from matplotlib import rc_context

    solved = [layer.residuals for layer in layers if layer.residuals]
    if not solved:
        return None
    with rc_context(STYLE):
        figure, panels = panels_of(2, (8.4, 2.9))
        for side, (panel, title) in enumerate(zip(panels, ("primal", "dual"), strict=True)):
            for i, residuals in enumerate(solved):
                shade = 0.15 + 0.85 * (i + 1) / len(solved)
                stages = range(1, len(residuals) + 1)
                values = [max(pair[side], 1e-9) for pair in residuals]
                panel.plot(stages, values, color=COLOURS["plugin"], alpha=shade, linewidth=1.3)
            _axes(panel, title, max(map(len, solved)))
        panels[0].set_ylabel("relative residual")
        figure.tight_layout()
    return figure


def _axes(panel: Axes, title: str, stages: int) -> None:
    panel.set_title(title, loc="left", fontsize=10.5, weight="bold")
    panel.set_yscale("log")
    panel.minorticks_off()
    panel.grid(axis="y", color=COLOURS["grid"], linewidth=0.8)
    panel.set_xticks(range(1, stages + 1))
    panel.set_xlabel("stage, of growing penalty")
