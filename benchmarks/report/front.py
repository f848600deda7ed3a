"""Accuracy against speed-up, from the results of `python -m benchmarks accuracy --latency`."""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patternlite.report.figure import COLOURS, STYLE, panels_of

from ..plots import RECIPE_COLOURS, handles_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DENSE = "dense"
_Points = dict[tuple[str, str, str], list[tuple[float, float]]]
_MARKS = ("o", "^", "D")  # where there are more recipes than colours
_LINE: dict[str, Any] = {"linewidth": 0.8, "alpha": 0.5, "zorder": 1}


def accuracy_files(folder: Path) -> list[Path]:
    """The results files of `accuracy`, and of its plan codesign.toml if they have that name."""
    return sorted((*folder.glob("accuracy-2*.json"), *folder.glob("codesign-2*.json")))


def front_figure(paths: Sequence[Path]) -> Figure | None:
    """Percent right over speed-up, one panel per network. Each point is a recipe's mean over its seeds, as
    pruned; a line from the dense model through a recipe's points shows what it keeps at another's speed.

    A point comes from one file: the one with most seeds for it, or the newest of several. A panel may use
    several files, since each model is compared with the dense one timed beside it. None if nothing was timed.
    """
    from matplotlib import rc_context

    points = _points(paths)
    if not points:
        return None
    networks = list(dict.fromkeys(network for network, _, _ in points))
    recipes = list(dict.fromkeys(recipe for _, _, recipe in points if recipe != DENSE))
    with rc_context(STYLE):
        figure, panels = panels_of(len(networks), (4.6 * len(networks) + 1.0, 4.2))
        for panel, network in zip(panels, networks, strict=True):
            some = {key[1:]: values for key, values in points.items() if key[0] == network}
            _front(panel, some, recipes)
            panel.set_title(network, loc="left", fontsize=10.5, weight="bold")
        panels[0].set_ylabel("% of the test images right")
        found = handles_of(panels)
        rows = -(-len(found) // 4)
        figure.legend(found.values(), found, loc="lower center", ncols=4, frameon=False, fontsize=8.5)
        figure.tight_layout(rect=(0, 0.02 + 0.055 * rows, 1, 1))
    return figure


def _front(
    panel: Axes, points: Mapping[tuple[str, str], list[tuple[float, float]]], recipes: list[str]
) -> None:
    """points: (budget, recipe) -> (speed-up, accuracy) of each seed. A budget's best point is labelled."""
    means = {
        key: [statistics.mean(column) for column in zip(*values, strict=True)]
        for key, values in points.items()
    }
    best = {budget: max(y for (b, _), (_, y) in means.items() if b == budget) for budget, _ in means}
    for name in recipes:
        line = sorted(means[key] for key in means if key[1] in (name, DENSE))
        panel.plot(
            *zip(*([x, 100 * y] for x, y in line), strict=True), color=_look(name, recipes)[1], **_LINE
        )
    for (budget, recipe), (speed_up, accuracy) in means.items():
        mark, colour = _look(recipe, recipes)
        panel.scatter(speed_up, 100 * accuracy, s=40, color=colour, marker=mark, label=recipe)
        if accuracy == best[budget]:
            panel.annotate(
                budget, (speed_up, 100 * accuracy), (0, 7), textcoords="offset points", ha="center",
                fontsize=8, color=COLOURS["faint"],
            )  # fmt: skip
    panel.set_xlim(0)
    panel.margins(x=0.12, y=0.12)
    panel.grid(axis="y", color=COLOURS["grid"])
    panel.set_xlabel("times faster than dense")


def _look(recipe: str, recipes: list[str]) -> tuple[str, str]:
    """The recipe's mark and colour."""
    if recipe == DENSE:
        return "s", COLOURS["dense"]
    turn, shade = divmod(recipes.index(recipe), len(RECIPE_COLOURS))
    return _MARKS[turn % len(_MARKS)], RECIPE_COLOURS[shade]


def _points(paths: Iterable[Path]) -> _Points:
    """(network, budget, recipe) -> (speed-up, accuracy) of each seed; the dense model has no budget.

    Files are not mixed: machines, engines and neighbours differ.
    """
    points: _Points = {}
    files = (json.loads(path.read_text(encoding="utf-8")) for path in paths)
    for file in sorted(files, key=lambda file: file.get("date", "")):  # names have the day alone
        for key, values in _points_of(file.get("outcomes", ())).items():
            if len(values) >= len(points.get(key, ())):
                points[key] = values
    return points


def _points_of(rows: Iterable[Mapping[str, Any]]) -> _Points:
    points: _Points = defaultdict(list)
    for row in rows:
        if speed := row.get("speed"):
            network, _, budget = row["case"].partition(" ")
            faster = speed["dense_ms"] / speed["pruned_ms"]
            points[network, budget, row["recipe"]].append((faster, row["accuracy"]))
            points[network, "", DENSE].append((1.0, row["dense"]))
    return points
