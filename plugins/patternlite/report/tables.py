"""Results as rich tables for the terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..layers import COLUMNS, Layer
from ..runtimes.latency import TOLERANCE, Latency, speed_up
from .results import PLUGIN_PRUNED, STOCK_DENSE, STOCK_PRUNED, DemoResult

# In dumb terminals, rich ignores a width unless it is given the height, too.
_NO_LIMIT = Console(width=sys.maxsize, height=sys.maxsize)
_AMOUNTS = {"MACs", "kept", "weights", "kernels", "patterns", "KB"}
_SAYING_MOST = ("layer", "kind", "output", "weights", "recognised", "kernel")


def megabytes(size: int) -> str:
    return f"{size / 1e6:.2f} MB"


def shortened(name: str, most: int = 30) -> str:
    """The end of a long name, where converters put what is specific."""
    return name if len(name) <= most else "…" + name[1 - most :]


def latency_table(latencies: Sequence[Latency], title: str = "Latency") -> Table:
    """One row per contender; speed-ups are over the first contender of the same runtime and threads."""
    table = _table(title)
    table.add_column("runtime")
    table.add_column("threads", justify="right")
    table.add_column("")
    for column in ("min ms", "median ms", "p90 ms", "speed-up", "output difference"):
        table.add_column(column, justify="right")
    first: dict[tuple[str, int], Latency] = {}
    for entry in latencies:
        case = (entry.runtime, entry.threads)
        if case not in first and first:
            table.add_section()
        baseline = first.setdefault(case, entry)
        table.add_row(
            entry.runtime if baseline is entry else "",
            str(entry.threads) if baseline is entry else "",
            entry.label,
            *(f"{v:.2f}" for v in (entry.timing.minimum, entry.timing.median, entry.timing.p90)),
            "" if baseline is entry else f"{speed_up(baseline, entry):.2f}x",
            "" if entry.difference is None else f"{entry.difference:.0e}",
            style="bold" if entry.plugin else None,
        )
    return table


def layer_table(layers: Sequence[Layer], title: str = "Convolutions", width: int | None = None) -> Table:
    """width: the terminal's; None: no limit. A narrow one gets shorter names, then also fewer columns."""
    table = _layer_table(layers, title, COLUMNS)
    for columns, longest in ((COLUMNS, 30), (_SAYING_MOST, 14)):
        if width is None or _NO_LIMIT.measure(table).maximum <= width:
            break
        table = _layer_table(layers, title, columns, longest)
    return table


def _layer_table(
    layers: Sequence[Layer], title: str, columns: Sequence[str], longest: int = sys.maxsize
) -> Table:
    """longest: the most characters of a name that are shown."""
    table = _table(title)
    for column in columns:
        table.add_column(column, justify="right" if column in _AMOUNTS else "left", no_wrap=True)
    for layer in layers:
        cells: dict[str, str | Text] = dict(layer.cells())
        cells["layer"] = Text(shortened(layer.name, longest))
        cells["recognised"] = Text(layer.reason, style="green" if layer.accelerated else "yellow")
        table.add_row(*(cells[column] for column in columns))
    return table


def demo_table(result: DemoResult) -> Table:
    """The one table at the end of the demo."""
    table = _table(f"{result.machine.cpu}, {result.machine.cores} cores; latency: min (median)")
    if result.busy:
        table.caption = f"The machine was busy (load {result.load:.1f}): take latencies as a hint."
    table.add_column("")
    for column in ("dense, stock", "pruned, stock", "pruned, plugin", "gain"):
        table.add_column(column, justify="right")
    first = result.agreements[0]
    table.add_row(
        f"accuracy, {result.images:,} real test images",
        *(f"{first.accuracy[label]:.1%}" for label in (STOCK_DENSE, STOCK_PRUNED, PLUGIN_PRUNED)),
        f"{100 * (result.pruned_accuracy - result.dense_accuracy):+.1f} points",
    )
    for what, rate in (
        ("weights", result.pruning.rate),
        ("multiply-accumulates", result.pruning.mac_rate),
    ):
        table.add_row(f"{what}, pruned layers", "100%", f"{1 / rate:.1%}", "same file", f"{rate:.2f}x fewer")
    sizes = {(f.variant, f.name.rsplit(".", 1)[1]): f for f in result.files}
    for kind in dict.fromkeys(kind for _, kind in sizes):
        dense, pruned = sizes["dense", kind], sizes["pruned", kind]
        table.add_row(
            f".{kind} file, MB (gzip)",
            *(f"{f.bytes / 1e6:.2f} ({f.gzip_bytes / 1e6:.2f})" for f in (dense, pruned)),
            "same file",
            f"{dense.gzip_bytes / pruned.gzip_bytes:.2f}x smaller",
        )
    differences = [d for agreement in result.agreements for d in agreement.difference.values()]
    table.add_row("largest output difference", "", "", f"{max(differences):.0e}", f"at most {TOLERANCE:.0e}")
    table.add_section()
    for runtime, threads in result.cases():
        timings = [
            result.latency(runtime, threads, label).timing
            for label in (STOCK_DENSE, STOCK_PRUNED, PLUGIN_PRUNED)
        ]
        table.add_row(
            f"{runtime}, {threads} thread{'s' if threads > 1 else ''}, ms",
            *(f"{timing.minimum:.2f} ({timing.median:.2f})" for timing in timings),
            f"[bold green]{result.speed_ups(runtime, threads)[0]:.2f}x faster",
        )
    return table


def _table(title: str) -> Table:
    return Table(
        title=Text(title), title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False
    )
