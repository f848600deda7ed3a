"""Results as tables for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from ..rivals import Rival
from ..rivals.tuning import Tuning
from ..timing.protocol import speed_up
from .instructions import Count, fewer
from .layers import LayerOutcome, LayerPlan, LayerTime
from .results import NetReport

_FORMATS = {
    **dict.fromkeys(("speed-up", "scaling", "operators"), "{:.2f}x"),
    "prepare": "{:.2f} s",
    "memory": "{:.1%}",
    "difference": "{:.1e}",
}

_STYLES = {"reached": "bold green", "met": "green", "missed": "bold red"}


def latency_table(report: NetReport, ours: str = "ours") -> Table:
    """Minimum (median) in ms of each contender; below a rival, how many times faster ours is."""
    labels = list(dict.fromkeys(label for o in report.outcomes for label in o.measured))
    clock = "CPU time, ms" if report.settings.get("clock") == "cpu" else "ms"
    table = new_table(
        f"{clock} a call: min (median); below, how many times faster {ours!r} is, median over rounds"
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


def preparation_table(report: NetReport) -> Table:
    table = new_table(
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


def session_table(report: NetReport) -> Table:
    """A table of the contenders that were watched; it has no rows if there are none."""
    table = new_table("Watched, ms: whole runs, min; sum of the least time of each operator")
    for column in ("network", "threads", "contender"):
        table.add_column(column)
    for column in ("whole runs", "operators", "session, MB", "answer differs by"):
        table.add_column(column, justify="right")
    for outcome in report.outcomes:
        for i, m in enumerate(m for m in outcome.measured.values() if m.operators):
            table.add_row(
                *(("", "") if i else (outcome.case.name, str(outcome.threads))),
                m.label,
                f"{m.timing.minimum:.2f}",
                f"{m.sum_of_operators:.2f}",
                f"{m.megabytes:.1f}",
                f"{m.difference:.0e}",
            )
    return table


def claim_table(report: NetReport) -> Table:
    """The claims, with losses shown as plainly as wins."""
    table = new_table("Claims")
    for column in ("network", "threads", "claim"):
        table.add_column(column)
    for column in ("must", "reach for", "measured", ""):
        table.add_column(column, justify="right")
    for v in report.verdicts():
        table.add_row(
            v.case,
            str(v.threads),
            str(v.claim),
            *(_FORMATS[v.claim.kind].format(value) for value in (v.claim.must, v.claim.reach, v.value)),
            Text(v.state, style=_STYLES[v.state]),
        )
    return table


def layer_table(outcomes: Sequence[LayerOutcome], plan: LayerPlan) -> Table:
    """us, share of the peak, and how many times faster than the stock runtime on dense weights."""
    ways = list(dict.fromkeys(t.way for o in outcomes for t in o.times))
    isa, peak = outcomes[0].isa, max(o.peak for o in outcomes)
    table = new_table(
        f"Layers, {isa}, peak {peak / 1e9:.0f} G multiply-adds/s per core: us, share of the peak, speed-up"
    )
    for column in ("set", "layer"):
        table.add_column(column)
    table.add_column("threads", justify="right")
    for way in ways:
        table.add_column(way, justify="right")
    for outcome in outcomes:
        times = {t.way: t for t in outcome.times}
        cells = [_layer_cell(times[way]) if way in times else Text() for way in ways]
        table.add_row(outcome.set, str(outcome.layer), str(outcome.threads), *cells)
    claims = (f"{way} {s.must:.0%} ({s.reach:.0%})" for way, s in plan.claims.get(isa, {}).items())
    table.caption = f"3x3, stride 1, must (reach for): {', '.join(claims) or 'nothing claimed'}"
    table.caption_justify = "left"
    return table


def _layer_cell(time: LayerTime) -> Text:
    cell = Text(f"{time.microseconds:.0f} ")
    cell.append(f"{time.share:.0%}", style=_STYLES.get(time.state, ""))
    if time.speed_up != 1:
        cell.append(f" {time.speed_up:.1f}x")
    return cell.append(f"\n{time.kernel} {time.state}")


def new_table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)


def rival_table(rivals: Mapping[str, Rival]) -> Table:
    table = new_table("Rivals")
    for column in ("rival", "version", "files"):
        table.add_column(column)
    for name, rival in rivals.items():
        missing = "not installed: python -m benchmarks rivals --install" if rival.apart else "not installed"
        table.add_row(name, rival.version() or Text(missing, style="yellow"), rival.suffix)
    return table


def instruction_table(counts: Sequence[Count]) -> Table:
    table = new_table("Million instructions of one call, AVX2, counted by valgrind")
    for column in ("layer", "way"):
        table.add_column(column)
    for column in ("instructions", "fewer than dense"):
        table.add_column(column, justify="right")
    for count, factor in zip(counts, fewer(counts), strict=True):
        table.add_row(str(count.layer), count.way, f"{count.instructions / 1e6:.1f}", f"{factor:.1f}x")
    return table


def tuning_table(tuning: Tuning) -> Table:
    table = new_table(f"{tuning.net}: {tuning.budget}")
    table.add_column("kind of layer")
    for column in ("layers", "candidates", "failed", "seconds", "best, ms", "GFLOP/s"):
        table.add_column(column, justify="right")
    for t in tuning.layers:
        table.add_row(
            t.name if t.done else Text(f"{t.name}, not done", style="yellow"),
            *(str(n) for n in (t.count, t.tried, t.failed)),
            f"{t.seconds:.0f}",
            *(
                "" if value is None else f"{value:{form}}"
                for value, form in ((t.milliseconds, ".3f"), (t.gflops, ".0f"))
            ),
        )
    table.caption = tuning.missing
    return table
