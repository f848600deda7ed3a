"""What is drawn from a result holds the result."""

from __future__ import annotations

import dataclasses
import errno
import html.parser
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from patternlite.report.figure import COLOURS, to_inline_svg, to_svg
from patternlite.report.page import pattern_picture, render_page, write_page
from patternlite.report.plots import latency_plot, layer_plot
from patternlite.report.results import PLUGIN_PRUNED, DemoResult, write_json
from patternlite.report.tables import demo_table, latency_table, layer_table
from patternlite.runtimes.timing import Timing
from patternlite.support.units import count


class Page(html.parser.HTMLParser):
    """Collects the text, the ids, and every address and id that the page refers to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.references: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if name == "id":
                self.ids.append(value or "")
            if name in ("src", "href", "xlink:href"):
                self.addresses.append(value or "")
            self.references += re.findall(r"url\(#(.+?)\)", value or "")

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture(scope="module")
def page(result: DemoResult) -> Page:
    return Page(render_page(result))


def test_page_is_self_contained(page: Page) -> None:
    assert page.addresses
    for address in page.addresses:
        assert address.startswith(("data:image/png;base64,", "#")), address


def test_references_inside_the_page_resolve(page: Page) -> None:
    assert len(page.ids) == len(set(page.ids))
    references = page.references + [a[1:] for a in page.addresses if a.startswith("#")]
    assert references
    assert set(references) <= set(page.ids)


def test_page_tells_the_result(page: Page) -> None:
    text = " ".join(" ".join(page.text).split())
    for part in ("91.2 %", "90.3 %", "4.00x", "4.6x", "dense:too-few-zeros", "pip install other",
                 "A CPU & more", "2026-01-02 03:04 UTC", "0.75", "tflite-runtime"):  # fmt: skip
        assert part in text, part
    assert "None" not in text


def test_page_escapes_names(result: DemoResult) -> None:
    layers = (dataclasses.replace(result.layers[0], name="<script>alert(1)</script>"), *result.layers[1:])
    text = render_page(dataclasses.replace(result, layers=layers))
    assert "&lt;script&gt;" in text
    assert "<script" not in text


def test_page_without_examples_and_patterns(result: DemoResult) -> None:
    layers = [dataclasses.replace(layer, patterns={}) for layer in result.pruning.layers]
    pruning = dataclasses.replace(result.pruning, layers=layers)
    text = render_page(dataclasses.replace(result, examples=(), pruning=pruning))
    whole = render_page(result)
    for part in ("pattern library", "Some of the images"):
        assert part in whole
        assert part not in text


def test_page_with_one_runtime_and_one_thread(result: DemoResult) -> None:
    latencies = tuple(e for e in result.latencies if (e.runtime, e.threads) == ("mnn", 1))
    text = render_page(dataclasses.replace(result, latencies=latencies))
    assert "4.0 times sooner" in text


def test_a_slower_plugin_is_not_hidden(result: DemoResult) -> None:
    slow = Timing(30.0, 30.0, 30.0, 10)
    latencies = tuple(
        dataclasses.replace(e, timing=slow) if e.label == PLUGIN_PRUNED and e.runtime == "mnn" else e
        for e in result.latencies
    )
    assert "0.1 to 4.0 times sooner" in render_page(dataclasses.replace(result, latencies=latencies))


def test_a_busy_machine_is_told(result: DemoResult) -> None:
    warning = "take these figures as a hint"
    assert warning not in render_page(result)
    busy = dataclasses.replace(result, load=7.5)
    assert warning in render_page(busy)
    assert "busy (load 7.5)" in shown(demo_table(busy))


def test_pattern_picture_marks_the_taps() -> None:
    svg = ElementTree.fromstring(str(pattern_picture("110/010/001")))
    on = [(r.get("x"), r.get("y")) for r in svg if r.get("class") == "tap1"]
    assert on == [("0", "0"), ("10", "0"), ("10", "10"), ("20", "20")]
    assert len(svg) == 9


@pytest.mark.parametrize("draw", [latency_plot, lambda result: layer_plot(result.layers)])
def test_plots(result: DemoResult, draw) -> None:
    ElementTree.fromstring(to_svg(draw(result)))
    inline = to_inline_svg(draw(result))
    ElementTree.fromstring(inline)
    assert inline.startswith("<svg")
    assert not re.search("|".join(COLOURS.values()), inline)
    assert "var(--plugin)" in inline


def test_json_holds_every_figure(result: DemoResult, tmp_path: Path) -> None:
    write_json(result, tmp_path / "report.json")
    data = json.loads((tmp_path / "report.json").read_text())
    assert data["dense_accuracy"] == result.dense_accuracy
    assert len(data["latencies"]) == len(result.latencies)
    assert data["latencies"][0]["timing"]["minimum"] == result.latencies[0].timing.minimum
    assert data["layers"][0]["reason"] == "dense:too-few-zeros"
    assert data["pruning"]["rate"] == pytest.approx(4.6)
    assert data["speed_ups"][0]["over_stock_dense"] == pytest.approx(4.0)
    assert "examples" not in data


def test_a_failed_write_leaves_the_old_report(
    result: DemoResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "disk full")  # as the system raises it: of no file

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match=r"disk full: .*report\.html"):
        write_page(result, path)
    assert [p.read_text() for p in tmp_path.iterdir()] == ["old"]


def shown(table: object, width: int = 110) -> str:
    console = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(table)
    return console.export_text()


def test_demo_table_fits_a_terminal_and_tells_all(result: DemoResult) -> None:
    text = shown(demo_table(result))
    assert "…" not in text
    for part in ("91.2%", "90.3%", "-0.9 points", "4.60x fewer", "3.32x smaller", "4.00x faster", "3e-07"):
        assert part in text
    assert text.count(" faster") == 8


def test_latency_table_compares_with_the_first(result: DemoResult) -> None:
    lines = shown(latency_table(result.latencies[:3])).splitlines()
    assert any("plugin, pruned" in line and "4.00x" in line and "3e-07" in line for line in lines)


def test_layer_table_gives_reasons(result: DemoResult) -> None:
    text = shown(layer_table(result.layers), width=140)
    for part in ("dense:too-few-zeros", "18.2%", "4.3"):
        assert part in text
    assert "…" not in text


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (999, "999"), (1234, "1.23 K"), (9.44e6, "9.44 M"), (2e9, "2 G")]
)
def test_counts(value: float, text: str) -> None:
    assert count(value) == text
