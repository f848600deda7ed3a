"""Progress bars for work in stages, and how long each stage took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

Advance = Callable[[str, float], None]


class Stages:
    """One bar per stage, each shown when it begins; in a file or pipe, one line when it is done.

        with Stages(console) as stages, stages.stage("Pruning") as advance:
            advance("what is done now", 0.5)

    seconds: (stage, seconds) in order.
    """

    def __init__(self, console: Console) -> None:
        self.seconds: list[tuple[str, float]] = []
        self._console = console
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("[dim]{task.fields[detail]}"),
            console=console,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Stages:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    @contextmanager
    def stage(self, name: str) -> Iterator[Advance]:
        began = time.perf_counter()
        task = self._progress.add_task(f"{name:<26}", total=1.0, detail="")

        def advance(detail: str, fraction: float) -> None:
            self._progress.update(task, completed=min(fraction, 0.999), detail=detail)

        yield advance
        self._progress.update(task, completed=1.0, detail="")
        self.seconds.append((name, time.perf_counter() - began))
        if self._progress.disable:
            self._console.print(f"{name}: {self.seconds[-1][1]:.0f} s", highlight=False)
