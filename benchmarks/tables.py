"""Results as tables for the terminal."""

from __future__ import annotations

from rich import box
from rich.table import Table
from rich.text import Text

from .protocol import speed_up
from .results import Report

_STYLES = {"reached": "bold green", "met": "green", "missed": "bold red"}


def latency_table(report: Report, ours: str = "ours") -> Table:
    """min (median) in ms of each contender; below a rival, how many times faster ours is than it."""
    labels = list(dict.fromkeys(label for o in report.outcomes for label in o.measured))
    clock = "CPU time" if report.settings.get("clock") == "cpu" else "ms"
    table = _table(
        f"Batch 1, {clock}: min (median); below, how many times faster {ours!r} is, median over rounds"
    )
    for column in ("network", "threads"):
        table.add_column(column)
    for label in labels:
        table.add_column(label, justify="right")
    for outcome in report.outcomes:
        cells: list[Text | str] = []
        for label in labels:
            entry = outcome.measured.get(label)
            if entry is None:
                cells.append("")
                continue
            cell = Text(f"{entry.timing.minimum:.2f} ({entry.timing.median:.2f})")
            if label != ours and ours in outcome.measured:
                factor = speed_up(entry, outcome.measured[ours])
                cell.append(f"\n{factor:.2f}x", style="green" if factor > 1 else "red")
            cells.append(cell)
        table.add_row(outcome.case.name, str(outcome.threads), *cells)
    return table


def preparation_table(report: Report) -> Table:
    table = _table(
        "Loading, until the model is ready to run, and the most memory held up to the first answer"
    )
    for column in ("network", "contender"):
        table.add_column(column)
    for column in ("seconds", "MB"):
        table.add_column(column, justify="right")
    for outcome in report.outcomes:
        for i, (label, p) in enumerate(outcome.preparations.items()):
            name = "" if i else outcome.case.name
            table.add_row(name, label, f"{p.seconds:.2f}", f"{p.peak_bytes / 1e6:.0f}")
    return table


def claim_table(report: Report) -> Table:
    """Losses as plainly as wins."""
    table = _table("Claims")
    for column in ("network", "threads", "claim"):
        table.add_column(column)
    for column in ("must", "reach for", "measured", ""):
        table.add_column(column, justify="right")
    for v in report.verdicts():
        unit = " s" if v.claim.kind == "prepare" else "x"
        table.add_row(
            v.case,
            str(v.threads),
            str(v.claim),
            *(f"{value:.2f}{unit}" for value in (v.claim.must, v.claim.reach, v.value)),
            Text(v.state, style=_STYLES[v.state]),
        )
    return table


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
