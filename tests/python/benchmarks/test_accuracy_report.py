"""The report of the accuracy table: claims, summaries, table and figure."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, replace
from typing import Any

import pytest
from rich.console import Console

from benchmarks.accuracy.plan import NOBODY, Case, Must
from benchmarks.accuracy.plots import accuracy_figure
from benchmarks.accuracy.results import AccuracyReport, Row, Speed, at_equal_speeds, summaries
from benchmarks.accuracy.tables import accuracy_table
from benchmarks.plain import restore
from benchmarks.timing.neighbours import Neighbours
from patternlite.runtimes.machine import describe_machine


def row(seed: int, accuracy: float, recipe: str = "ours", client: str = NOBODY) -> Row:
    return Row(
        "net rate 4x", recipe, client, seed, 0.9, accuracy, 4.0, 3.0, 3.5, (0.1, 0.1), 0.9, (), 1.0, 1.0, "",
        Speed("r", 1, 3.0, 1.5) if client == NOBODY else None,
    )  # fmt: skip


CASE = Case("net", {"rate": 4.0}, ("ours", "other"), {NOBODY: Must(least=85.0), "few": Must(drop=1.0)})


def test_claims_are_judged_by_the_mean() -> None:
    rows = [row(0, 0.84), row(1, 0.87), row(0, 0.5, "other"), row(0, 0.88, client="few")]
    ours, other, few = summaries(rows, [CASE])
    assert ours.accuracy == pytest.approx(0.855)
    assert ours.spread == pytest.approx(0.0212, abs=1e-4)
    assert (ours.seeds, ours.state, ours.speed_up) == (2, "met", 2.0)
    assert (other.state, other.must) == ("", None)
    assert (few.state, few.must) == ("missed", pytest.approx(0.89))
    assert few.drop == pytest.approx(2.0)


def test_the_speed_up_is_the_mean_of_the_seeds() -> None:
    fast = replace(row(1, 0.8), speed=Speed("r", 1, 3.0, 1.0))
    assert summaries([row(0, 0.8), fast], [CASE])[0].speed_up == pytest.approx(2.5)


def test_recipes_are_compared_at_the_same_speed() -> None:
    """That of the case's first recipe, on the line from the dense model through the other's points."""

    def point(budget: int, recipe: str, accuracy: float, speed_up: float) -> Row:
        speed = Speed("r", 1, 12.0, 12.0 / speed_up)
        return replace(row(0, accuracy, recipe), case=f"net latency {budget}x", speed=speed)

    rows = [
        point(3, "ours", 0.85, 3.0), point(3, "other", 0.80, 2.0),
        point(4, "ours", 0.80, 5.0), point(4, "other", 0.60, 4.0),
        point(2, "ours", 0.88, 1.5),  point(2, "untimed", 0.88, 2.0),
    ]  # fmt: skip
    rows[-1] = replace(rows[-1], speed=None)
    equal = at_equal_speeds(summaries(rows, []))
    # Between 2x and 4x; beyond 4x; the dense model, 90 %, is at 1x.
    assert equal == [pytest.approx(x) for x in (0.85, 0.70, 0.80, 0.60, 0.88)] + [None]
    rows[-1] = point(2, "other", 0.89, 1.25)
    assert at_equal_speeds(summaries(rows, []))[-1] == pytest.approx(0.86)


def test_results_as_json_table_and_figure() -> None:
    rows = [row(0, 0.84), row(0, 0.88, client="few")]
    report = AccuracyReport({}, rows, summaries=summaries(rows, [CASE]))
    data = json.loads(json.dumps(report.to_json()))
    assert [restore(Row, values) for values in data["outcomes"]] == rows
    assert [s["state"] for s in data["summaries"]] == ["missed", "missed"]
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(accuracy_table(report))
    text = console.export_text()
    for part in ("net rate 4x", "84.00%", "85.00%", "missed", "2.00x", "no real image"):
        assert part in text
    panels = accuracy_figure(report).axes
    assert [panel.get_xlabel() for panel in panels] == [
        "times fewer weights in the whole model",
        "times faster than dense, measured",
    ]
    pruned, retrained = [list(line.get_ydata()) for line, *_ in panels[0].containers]
    assert (pruned, retrained) == ([84.0], [88.0])


def test_rows_from_elsewhere_are_told_of() -> None:
    machine = describe_machine()

    def report(*changes: dict[str, Any]) -> AccuracyReport:
        here = Speed("r", 1, 3.0, 1.5, "abc", machine)
        rows = [
            replace(row(i, 0.8), revision="abc", speed=replace(here, **change))
            for i, change in enumerate(changes)
        ]
        return AccuracyReport(
            {}, rows, summaries=summaries(rows, [CASE]), machine=machine, versions={"commit": "abc"}
        )

    assert report({}, {}).mixed == ""
    several = "Rows and report are of several commits: abc, def."
    assert report({}, {"revision": "def"}).mixed == several
    assert replace(report({}, {}), versions={"commit": "def"}).mixed == several  # all rows were kept
    for other in (None, replace(machine, cpu="another")):
        mixed = report({}, {"machine": other})
        assert mixed.mixed == "Not all speeds are known to be of this machine."
        console = Console(width=200, record=True, file=io.StringIO())
        console.print(accuracy_table(mixed))
        assert mixed.mixed in console.export_text()
    busy = replace(report({}, {"load": 4.0}), machine=replace(machine, cores=2))
    assert busy.crowded.endswith("measure again: net rate 4x, ours, seed 1 (1, load 4.0)")
    assert "host 0.50 of a core" in report({}, {"neighbours": Neighbours(stolen=0.5)}).crowded


def test_rows_of_before_speeds_had_an_origin_are_read() -> None:
    old = asdict(row(0, 0.8))
    for name in ("revision", "machine", "load", "neighbours"):
        del old["speed"][name]
    assert restore(Row, old) == row(0, 0.8)
