"""What long work tells a log, where no bar can be drawn."""

import io
from itertools import count

import pytest
from rich.console import Console

from patternlite.support import progress


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What is told while each look at the clock takes 45 seconds."""
    clock = count(step=45)
    monkeypatch.setattr(progress.time, "perf_counter", lambda: float(next(clock)))
    return io.StringIO()


def test_a_log_gets_a_line_a_minute_with_the_time_left(log: io.StringIO) -> None:
    with progress.Stages(Console(file=log, width=40)) as stages, stages.stage("Pruning") as advance:
        for done in range(1, 5):
            advance(f"layer {done} of 4, which has a long name", done / 4)
    lines = log.getvalue().splitlines()
    assert lines == [
        "Pruning: 50%, 2 min left, layer 2 of 4, which has a long name",
        "Pruning: 100%, 0 min left, layer 4 of 4, which has a long name",
        "Pruning: 225 s",
    ]


def test_what_an_earlier_run_did_took_no_time_of_this_one(log: io.StringIO) -> None:
    with progress.Stages(Console(file=log)) as stages, stages.stage("Training") as advance:
        for percent in (80, 81, 82):
            advance("", percent / 100)
    assert log.getvalue().splitlines()[0].startswith("Training: 81%, 14 min left")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Of a terminal that can draw, and nobody who says otherwise."""
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    return monkeypatch


def shown_in(file: io.StringIO) -> str:
    with progress.Stages(Console(file=file, width=100)) as stages, stages.stage("Pruning") as advance:
        advance("half of it", 0.5)
        advance("most of it", 0.9)
    return file.getvalue()


@pytest.mark.usefixtures("log")
def test_a_terminal_gets_a_bar(environment: pytest.MonkeyPatch) -> None:
    text = shown_in(Terminal())
    assert "━" in text
    assert "Pruning: " not in text


@pytest.mark.parametrize("width", [40, 80, 100])
def test_the_figures_are_shown_at_any_width(width: int, environment: pytest.MonkeyPatch) -> None:
    file = Terminal()
    with progress.Stages(Console(file=file, width=width, color_system=None)) as stages:
        with stages.stage("Pruning, no data") as advance:
            for percent in range(10, 60, 10):
                advance("refine of a long, long name, and what it is about", percent / 100)
                stages._progress.refresh()
        shown = file.getvalue().replace("\r", "\n").splitlines()
    (line,) = {line for line in shown if "50%" in line}
    assert "left 0:00:" in line
    assert "Pruning" in line


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize(
    ("file", "name", "value"),
    [(Terminal, "TERM", "dumb"), (io.StringIO, "FORCE_COLOR", "1")],
    ids=["a terminal that cannot draw", "a file said to be a terminal"],
)
def test_lines_where_no_bar_can_be_drawn(
    file: type[io.StringIO], name: str, value: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv(name, value)
    assert shown_in(file()).splitlines() == [
        "Pruning: 90%, 0 min left, most of it",
        "Pruning: 135 s",
    ]
