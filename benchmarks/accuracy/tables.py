"""The accuracy table, and which claims hold."""

from __future__ import annotations

from rich import box
from rich.table import Table
from rich.text import Text

from .plan import NOBODY
from .results import AccuracyReport, Summary, at_equal_speeds

_STYLES = {"met": "bold green", "missed": "bold red"}


def accuracy_table(report: AccuracyReport) -> Table:
    """A line per case, recipe and client: mean over the seeds, and their standard deviation.

    Last, the accuracy at the speed of the case's first recipe, between the recipe's own points.
    """
    table = Table(title="Accuracy on the whole test set", title_justify="left", title_style="bold",
                  box=box.SIMPLE_HEAD, pad_edge=False)  # fmt: skip
    for column in ("case", "recipe", "client"):
        table.add_column(column)
    for column in ("seeds", "weights", "MACs", "model", "dense", "accuracy", "drop", "must", "", "speed-up"):
        table.add_column(column, justify="right")
    table.add_column("at the first's speed", justify="right")
    before = ""
    for s, equal in zip(report.summaries, at_equal_speeds(report.summaries), strict=True):
        if before and s.case != before:
            table.add_section()
        table.add_row(s.case if s.case != before else "", *_cells(s), "" if equal is None else f"{equal:.2%}")
        before = s.case
    table.caption, table.caption_justify = report.mixed, "left"
    return table


def _cells(s: Summary) -> list[str | Text]:
    style = _STYLES.get(s.state, "")
    spread = f" ± {100 * s.spread:.2f}" if s.seeds > 1 else ""
    return [
        s.recipe,
        "no real image" if s.client == NOBODY else s.client,
        str(s.seeds),
        *(f"{factor:.2f}x" for factor in (s.rate, s.mac_rate, s.parameter_rate)),
        f"{s.dense:.2%}",
        Text(f"{s.accuracy:.2%}{spread}", style=style),
        f"{s.drop:.2f}",
        "" if s.must is None else f"{s.must:.2%}",
        Text(s.state, style=style),
        "" if s.speed_up is None else f"{s.speed_up:.2f}x",
    ]
