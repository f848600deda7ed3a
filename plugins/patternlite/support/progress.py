"""Progress bars for work in stages, and how long each stage took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column

Advance = Callable[[str, float], None]

_LINE_EVERY = 60.0  # seconds between lines if no bar can be drawn
_NARROW = 100  # columns; a narrower terminal has no room for a bar beside the figures


class Stages:
    """One bar per stage, shown when the stage begins. Files, pipes and dumb terminals get a line per minute
    instead, and one at the end.

        with Stages(console) as stages, stages.stage("Pruning") as advance:
            advance("what is done now", 0.5)

    seconds: (stage, seconds it took), in order.
    """

    def __init__(self, console: Console) -> None:
        self.seconds: list[tuple[str, float]] = []
        self._console = console
        self._progress = Progress(
            *_columns(console.width < _NARROW),
            console=console,
            expand=True,
            # FORCE_COLOR makes rich take any file for a terminal, and in a dumb terminal it draws no bars.
            disable=not (console.is_interactive and console.file.isatty()),
        )

    def __enter__(self) -> Stages:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    @contextmanager
    def stage(self, name: str) -> Iterator[Advance]:
        began = told = time.perf_counter()
        first: tuple[float, float] | None = None  # time and fraction at the first call of `advance`
        task = self._progress.add_task(name, total=1.0, detail="")

        def advance(detail: str, fraction: float) -> None:
            nonlocal told, first
            self._progress.update(task, completed=min(fraction, 0.999), detail=detail)
            now = time.perf_counter()
            first = first or (now, fraction)  # what was done by then may come from an earlier run
            since, before = first
            if self._progress.disable and now - told >= _LINE_EVERY:
                told, done = now, fraction - before
                left = f", {(now - since) * (1 - fraction) / done / 60:.0f} min left" if done > 0.005 else ""
                self._print(f"{name}: {fraction:.0%}{left}, {detail}")

        yield advance
        self._progress.update(task, completed=1.0, detail="")
        self.seconds.append((name, time.perf_counter() - began))
        if self._progress.disable:
            self._print(f"{name}: {self.seconds[-1][1]:.0f} s")

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def _columns(narrow: bool) -> list[ProgressColumn]:
    """The columns of each stage's line; the detail gets the space that the figures leave."""
    spinner, done = SpinnerColumn(finished_text="[green]✓"), TaskProgressColumn()
    left = TextColumn("left"), TimeRemainingColumn()
    rest = Column(no_wrap=True, ratio=1)
    if narrow:
        words = TextColumn("{task.description} {task.fields[detail]}", markup=False, table_column=rest)
        return [spinner, done, *left, words]
    name = TextColumn("{task.description:<26}", markup=False)
    detail = TextColumn("{task.fields[detail]}", style="dim", markup=False, table_column=rest)
    return [spinner, name, BarColumn(bar_width=30), done, TimeElapsedColumn(), *left, detail]
