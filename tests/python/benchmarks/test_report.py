"""The report and the results file, without running anything."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from benchmarks.latency import nets
from benchmarks.latency.cases import Case, Claim, Plan, Player
from benchmarks.latency.results import NetReport, Outcome, read_json
from benchmarks.models.files import ModelFiles, Rates
from benchmarks.report import paper
from benchmarks.results import write_json
from benchmarks.timing.neighbours import Neighbours
from benchmarks.timing.protocol import Contender, Measured
from benchmarks.timing.worker import Preparation
from patternlite.runtimes.machine import describe_machine
from patternlite.runtimes.timing import Timing

CLAIM = Claim("speed-up", "ours in TFLite", must=4.2, reach=8.4, over="TFLite")


def outcome(factor: float, group: str = "networks", rates: Rates | None = None, threads: int = 1) -> Outcome:
    """TFLite at 10 ms, ours faster by the factor, in three rounds."""

    def measured(label: str, ms: float) -> Measured:
        return Measured(label, Timing.of([ms / 1e3] * 3), (ms, ms, ms), 0.0)

    times = {"TFLite": 10.0, "MNN": 8.0, "ours in TFLite": 10.0 / factor, "ours in MNN": 8.0 / factor}
    return Outcome(
        Case("resnet18", "mix", (CLAIM,), rates, group=group),
        threads,
        {label: measured(label, ms) for label, ms in times.items()},
        {"TFLite": Preparation(0.1, 10), "ours in TFLite": Preparation(0.2, 20)},
        1.5,
        dict.fromkeys(times, 1000),
        (80.0, 16.0),
        {"TFLite": "a note"},
        rates or Rates(conv3x3=8.0),
    )


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    report = NetReport({"seconds": 1.0}, (outcome(5.0, rates=Rates(conv3x3=4.0)), outcome(2.0, threads=2)))
    write_json(report, tmp_path / "out.json")
    assert read_json(tmp_path / "out.json") == report


def test_what_is_done_is_the_whole_case(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    player = Player("mnn", "dense")
    plan = Plan({"MNN": player, "TVM": Player("tvm, tuned", "dense")}, {}, ())
    case = Case("tiny", "g2", rates=Rates(8.0))
    whole = replace(outcome(5.0), case=case, players=plan.contenders)
    some = replace(whole, measured={"MNN": whole.measured["MNN"]})
    whole = replace(whole, measured=some.measured | {"TVM": whole.measured["TFLite"]})

    def done(before: Outcome, case: Case = case, threads: int = 1) -> bool:
        return nets.is_done(plan, case, threads, [before], ModelFiles(tmp_path))

    assert done(whole)
    assert not done(whole, threads=2)
    assert not done(whole, replace(case, rates=Rates(4.0)))
    assert not done(replace(whole, players={"MNN": player}))
    runs = ["MNN"]
    monkeypatch.setattr(
        nets, "_contenders", lambda *_: ([Contender(c, "mnn", tmp_path, "dense") for c in runs], {})
    )
    assert done(some)
    runs.append("TVM")  # it is tuned by now
    assert not done(some)
    assert done(replace(some, notes={"TVM": "left out, it failed: the process died"}))


def test_the_newest_results_are_of_whole_runs_on_that_machine(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from benchmarks.report.page import newest

    here = describe_machine()
    other = replace(here, cpu="another")
    assert newest(tmp_path, "nets", here) is None
    names = (
        "2026-01-30",
        "2026-02-01",
        "2026-02-01-2",
        "2026-02-01-10",
        "2026-02-01-again",
        "tiny-2026-02-02",
    )
    for name in names:
        write_json(NetReport({}, [], machine=here), tmp_path / f"nets-{name}.json")
    write_json(NetReport({}, [], machine=other), tmp_path / "nets-2026-02-03.json")
    assert newest(tmp_path, "nets", here) == tmp_path / "nets-2026-02-01-10.json"
    assert newest(tmp_path, "nets", other) == tmp_path / "nets-2026-02-03.json"


def test_the_paper_beside_ours() -> None:
    (row,) = paper.rows([outcome(5.0), outcome(3.0, "rates")])
    assert row.case == "resnet18-mix" and (row.rates, row.mac_rate) == ("3x3 8x", 5.0)
    assert row.factors == (pytest.approx(5.0), None, pytest.approx(5.0))  # TVM was not measured


def test_a_busy_machine_is_told_of() -> None:
    report = NetReport({}, [outcome(5.0)], machine=replace(describe_machine(), cores=2))
    assert report.crowded == ""
    busy = replace(report, outcomes=[outcome(5.0), replace(outcome(6.0, threads=2), load=3.25)])
    assert busy.crowded.endswith("measure again: resnet18-mix (2, load 3.2)")
    assert replace(busy, settings={"clock": "cpu"}).crowded == ""


@pytest.mark.parametrize("taken", [Neighbours(others=0.25), Neighbours(stolen=0.25)])
def test_neighbours_on_the_same_cores_are_told_of(taken: Neighbours) -> None:
    """Whatever the load average of the last minute is."""
    little = Neighbours(taken.others / 5, taken.stolen / 5)
    outcomes = [replace(outcome(5.0), neighbours=n) for n in (taken, little)]
    words = NetReport({}, outcomes).crowded
    assert words.endswith(f"measure again: resnet18-mix (1, {taken})") and "0.25" in words


def test_the_page_says_what_falls_short(tmp_path: Path) -> None:
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    from benchmarks.report.page import write_report

    layer = {"kernel": 3, "channels": 8, "filters": 8, "size": 4, "stride": 1, "depthwise": False}
    times = [{"way": way, "share": share} for way, share in (("dense, stock", 0.5), ("g2", 0.7))]
    machine = asdict(describe_machine())
    layers = {
        "machine": machine,
        "outcomes": [{"set": "net", "layer": layer, "threads": 1, "times": times}],
    }
    (tmp_path / "layers-2026-01-01.json").write_text(json.dumps(layers))
    speed = {"pruned_ms": 1.0, "dense_ms": 3.0}
    counts = [
        {"layer": layer, "way": way, "instructions": n}
        for way, n in (("dense, stock", 6_000_000), ("g1", 2_000_000))
    ]
    (tmp_path / "instructions-2026-01-01.json").write_text(
        json.dumps({"machine": machine, "outcomes": counts})
    )
    rows = [
        {
            "case": "net rate 8x",
            "recipe": "ours",
            "client": "none",
            "accuracy": 0.8,
            "dense": 0.9,
            "speed": speed,
        }
    ]
    (tmp_path / "accuracy-2026-01-01.json").write_text(json.dumps({"outcomes": rows}))
    write_json(NetReport({}, [outcome(3.0)]), tmp_path / "nets-2026-01-01.json")
    outcomes = [outcome(3.0), outcome(6.0, "rates", Rates(conv3x3=16.0))]
    page = write_report(NetReport({}, outcomes), tmp_path / "published.json").read_text()
    names = {path.name for path in tmp_path.iterdir() if path.suffix not in (".json", ".html")}
    assert names == {
        f"published-{what}.svg" for what in ("speed-up-1", "rates", "roofline", "front", "memory")
    }
    assert page.count("<svg") == 5 and "a note" in page
    assert '<a href="accuracy-2026-01-01.json">' in page
    assert '<td>g1</td><td class="n">2.0</td><td class="n">3.0x</td>' in page
    short = page[page.index("Where it falls short") :]
    assert '<td class="n loss">3.00</td>' in short
    assert "<script" not in page and 'src="' not in page  # self-contained


def test_each_panel_names_its_own_rivals() -> None:
    pytest.importorskip("matplotlib")
    from benchmarks.report.speed_ups import speed_up_figure

    whole = outcome(5.0)
    less = replace(whole, measured={k: m for k, m in whole.measured.items() if k != "TFLite"})
    panels = speed_up_figure([whole, less]).axes
    names = [[label.get_text() for label in panel.get_yticklabels()] for panel in panels]
    assert names == [["TFLite", "MNN"], ["MNN"]]
    ends = [[bar.get_x() + bar.get_width() for bar in panel.patches] for panel in panels]
    assert ends == [[6.25, 5.0], [5.0]]  # the fastest of ours takes 1.6 ms


def test_factors_over_rates_and_megabytes_are_drawn() -> None:
    pytest.importorskip("matplotlib")
    from benchmarks.report.speed_ups import rate_figure, size_figure

    outcomes = [outcome(factor, rates=Rates(conv3x3=rate)) for factor, rate in ((6.0, 16.0), (3.0, 8.0))]
    figure = rate_figure(outcomes)
    assert figure is not None
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    drawn = lines["ours in TFLite over TFLite"]
    assert list(drawn.get_xdata()) == [8.0, 16.0]
    assert list(drawn.get_ydata()) == pytest.approx([3.0, 6.0])
    assert list(lines["fewer multiplications, whole network"].get_ydata()) == [5.0, 5.0]
    loaded = {"TFLite": Preparation(0.1, 10_000_000), "ours in TFLite": Preparation(0.2, 25_000_000)}
    figure = size_figure([replace(outcomes[0], preparations=loaded)])
    assert figure is not None
    assert [bar.get_width() for bar in figure.axes[0].patches] == [10.0, 25.0]
    assert size_figure([replace(outcomes[0], preparations={})]) is None


def test_shares_of_the_peak_are_drawn() -> None:
    pytest.importorskip("matplotlib")
    from benchmarks.report.roofline import roofline_figure

    layer = {"kernel": 3, "channels": 8, "filters": 8, "size": 4, "stride": 1, "depthwise": False}
    outcomes = [
        {"set": "net", "layer": layer, "times": [{"way": "g2", "share": share}]} for share in (0.7, 0.2)
    ]
    (points,) = roofline_figure(outcomes).axes[0].collections
    assert points.get_offsets().tolist() == [[pytest.approx(70.0), 0], [pytest.approx(20.0), 1]]


def test_a_point_of_the_front_is_of_one_file(tmp_path: Path) -> None:
    """That with the most seeds; of two, the newest. Of several files are comparable only speed-ups, each over
    the dense network of its own run.
    """
    pytest.importorskip("matplotlib")
    from benchmarks.report.front import accuracy_files, front_figure

    def write(name: str, date: str, recipe: str, *factors: float) -> None:
        common = {"case": "net latency 3x", "recipe": recipe, "dense": 0.9}
        rows = [
            {**common, "accuracy": 0.8 + n / 100, "speed": {"pruned_ms": 20 / n, "dense_ms": 20.0}}
            for n in factors
        ]
        (tmp_path / name).write_text(json.dumps({"date": date, "outcomes": rows}))

    write("accuracy-2026-01-02.json", "2026-01-02 07:05 UTC", "ours", 8.0, 9.0)
    write("accuracy-2026-01-02-again.json", "2026-01-02 07:18 UTC", "ours", 1.0, 3.0)
    write("codesign-2026-01-03.json", "2026-01-03 09:00 UTC", "ours", 5.0)
    write("codesign-2026-01-04.json", "2026-01-04 09:00 UTC", "other", 4.0)
    figure = front_figure(accuracy_files(tmp_path))
    assert figure is not None
    drawn = {points.get_label(): points.get_offsets()[0].tolist() for points in figure.axes[0].collections}
    assert drawn == {
        "ours": pytest.approx([2.0, 82.0]),
        "other": pytest.approx([4.0, 84.0]),
        "dense": pytest.approx([1.0, 90.0]),
    }
    lines = [[list(xy) for xy in line.get_xydata()] for line in figure.axes[0].lines]
    assert lines == [[drawn["dense"], drawn["ours"]], [drawn["dense"], drawn["other"]]]
