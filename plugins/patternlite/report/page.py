"""The demo's result, or a pruning run's, as one self-contained HTML page."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..support.files import write_atomically
from ..support.units import count
from .figure import to_inline_svg
from .plots import latency_plot, layer_plot
from .pruning import pruning_plot, residual_plot
from .results import PLUGIN_DENSE, PLUGIN_PRUNED, STOCK_DENSE, STOCK_PRUNED, DemoResult
from .tables import megabytes

if TYPE_CHECKING:
    from markupsafe import Markup

    from patternlite.pruning import Certificate, PruneReport

_PICTURES = 12  # patterns shown


def render_page(result: DemoResult) -> str:
    """The demo's page as text; it contains all styles, plots and pictures."""
    from markupsafe import Markup

    cases = [(result.speed_ups(*case)[0], *case) for case in result.cases()]
    return _render(
        "demo.html.j2",
        result=result,
        latency_plot=Markup(to_inline_svg(latency_plot(result))),
        layer_plot=Markup(to_inline_svg(layer_plot(result.layers))),
        examples=[(picture(e.pixels), e) for e in result.examples],
        worst=min(cases),
        span=" to ".join(dict.fromkeys(f"{case[0]:.1f}" for case in (min(cases), max(cases)))),
        labels={"stock_dense": STOCK_DENSE, "plugin_dense": PLUGIN_DENSE,
                "stock_pruned": STOCK_PRUNED, "plugin_pruned": PLUGIN_PRUNED},
        **_pruning(result.pruning),
    )  # fmt: skip


def render_prune_page(report: PruneReport, certificate: Certificate) -> str:
    """The page of `patternlite prune` as text."""
    return _render("prune.html.j2", certificate=certificate, **_pruning(report))


def write_page(result: DemoResult, path: Path) -> None:
    write_atomically(path, render_page(result))


def picture(pixels: np.ndarray) -> str:
    """uint8 (3, H, W) as a data: URL of a PNG."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def pattern_picture(rows: str) -> Markup:
    """ "110/010/001" as an <svg> of squares."""
    from markupsafe import Markup

    squares = "".join(
        f'<rect x="{10 * x}" y="{10 * y}" width="9" height="9" rx="1.5" class="tap{tap}"/>'
        for y, row in enumerate(rows.split("/"))
        for x, tap in enumerate(row)
    )
    size = f"{10 * len(rows.split('/')[0]) - 1} {10 * len(rows.split('/')) - 1}"
    return Markup(f'<svg class="pattern" viewBox="0 0 {size}" role="img" aria-label="{rows}">{squares}</svg>')


def _pruning(report: PruneReport) -> dict[str, Any]:
    """The values that pruning.html.j2 needs."""
    from markupsafe import Markup

    residuals = residual_plot(report.layers)
    patterns = report.patterns
    total = sum(patterns.values())
    shown = list(patterns.items())[:_PICTURES]
    return {
        "pruning": report,
        "pruning_plot": Markup(to_inline_svg(pruning_plot(report.layers))),
        "residual_plot": Markup(to_inline_svg(residuals)) if residuals else None,
        "patterns": [(pattern_picture(rows), kernels, kernels / total) for rows, kernels in shown],
        "more_patterns": len(patterns) - len(shown),
    }


def _render(template: str, **values: Any) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("patternlite.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        count=count,
        megabytes=megabytes,
        percent=lambda v: f"{100 * v:.1f} %",
        thousands=lambda v: f"{v:,}",
        plain=lambda v: ", ".join(map(str, v)) or "none" if isinstance(v, tuple) else v,
    )
    return environment.get_template(template).render(**values)
