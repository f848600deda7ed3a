"""Results as a table for the terminal."""

from __future__ import annotations

from rich.table import Table

from ..tables import new_table
from .plan import TORCH
from .results import MnnReport


def session_table(report: MnnReport) -> Table:
    """Per contender: whole runs, the sum of its operators' least times, what it holds, and its answer."""
    table = new_table("MNN, batch 1, ms: whole runs, min (median); sum of the least time of each operator")
    for column in ("network", "threads", "contender"):
        table.add_column(column)
    for column in ("whole runs", "operators", "session, MB", "loading, s", "from torch", "from others"):
        table.add_column(column, justify="right")
    for outcome in report.outcomes:
        for i, m in enumerate(outcome.measured.values()):
            loading = outcome.preparations.get(m.label)
            others = [d for name, d in m.differences.items() if name != TORCH]
            table.add_row(
                *(("", "") if i else (outcome.case.name, str(outcome.threads))),
                m.label,
                f"{m.timing.minimum:.2f} ({m.timing.median:.2f})",
                f"{m.sum_of_operators:.2f}",
                f"{m.megabytes:.1f}",
                f"{loading.seconds:.2f}" if loading else "",
                f"{m.differences[TORCH]:.0e}",
                f"{max(others):.0e}" if others else "",
            )
    return table
