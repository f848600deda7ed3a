"""The demo's result as one self-contained HTML page."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .figure import to_inline_svg
from .plots import latency_plot, layer_plot
from .results import PLUGIN_DENSE, PLUGIN_PRUNED, STOCK_DENSE, STOCK_PRUNED, DemoResult, write_atomically
from .tables import count, megabytes

if TYPE_CHECKING:
    from markupsafe import Markup


def render_page(result: DemoResult) -> str:
    """The page as text: styles, plots and pictures are all inside it."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    cases = [(result.speed_ups(*case)[0], *case) for case in result.cases()]
    environment = Environment(
        loader=PackageLoader("patternlite.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(count=count, megabytes=megabytes, percent=lambda v: f"{100 * v:.1f} %")
    return environment.get_template("page.html.j2").render(
        result=result,
        latency_plot=Markup(to_inline_svg(latency_plot(result))),
        layer_plot=Markup(to_inline_svg(layer_plot(result.layers))),
        patterns=[(pattern_picture(rows), share) for rows, share in _shares(result.patterns)],
        examples=[(picture(e.pixels), e) for e in result.examples],
        worst=min(cases),
        span=" to ".join(dict.fromkeys(f"{case[0]:.1f}" for case in (min(cases), max(cases)))),
        labels={"stock_dense": STOCK_DENSE, "plugin_dense": PLUGIN_DENSE,
                "stock_pruned": STOCK_PRUNED, "plugin_pruned": PLUGIN_PRUNED},
    )  # fmt: skip


def write_page(result: DemoResult, path: Path) -> None:
    write_atomically(path, render_page(result))


def picture(pixels: np.ndarray) -> str:
    """uint8 (3, H, W) as a data: URL of a PNG."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def pattern_picture(rows: str) -> Markup:
    """ "110/010/001" as an <svg> of nine squares."""
    from markupsafe import Markup

    squares = "".join(
        f'<rect x="{10 * x}" y="{10 * y}" width="9" height="9" rx="1.5" class="tap{tap}"/>'
        for y, row in enumerate(rows.split("/"))
        for x, tap in enumerate(row)
    )
    return Markup(f'<svg class="pattern" viewBox="0 0 29 29" role="img" aria-label="{rows}">{squares}</svg>')


def _shares(patterns: Mapping[str, int], most: int = 8) -> list[tuple[str, float]]:
    total = sum(patterns.values())
    return [(rows, kernels / total) for rows, kernels in list(patterns.items())[:most]]
