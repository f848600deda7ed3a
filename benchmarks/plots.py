"""What all figures of results share."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patternlite.report.figure import COLOURS, to_svg
from patternlite.support.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RECIPE_COLOURS = (COLOURS["plugin"], "#b4541f", "#3b6fb6", "#8a5fbf")  # used in turns


def handles_of(panels: Iterable[Axes]) -> dict[str, Any]:
    """Label -> handle, for one legend for all panels."""
    handles, labels = zip(*(panel.get_legend_handles_labels() for panel in panels), strict=True)
    return dict(zip(chain(*labels), chain(*handles), strict=True))


def write_figure(figure: Figure, path: Path) -> None:
    """Writes the figure beside `path`, as .svg."""
    write_atomically(path.with_suffix(".svg"), to_svg(figure))
