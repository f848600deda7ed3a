"""The page of `patternlite prune`, and the plots it shares with the demo's."""

from __future__ import annotations

import dataclasses
from xml.etree import ElementTree

import pytest

from patternlite.pruning import Certificate, Fidelity, PruneReport
from patternlite.pruning.report import Times
from patternlite.report.figure import to_inline_svg, to_svg
from patternlite.report.page import render_prune_page
from patternlite.report.pruning import pruning_plot, residual_plot
from patternlite.report.results import DemoResult


@pytest.fixture
def report(result: DemoResult) -> PruneReport:
    return result.pruning


@pytest.fixture
def certificate() -> Certificate:
    return Certificate(
        date="2026-01-02 03:04 UTC",
        versions={"torch": "2.13.0"},
        statement="No image was read.",
        model="ab" * 32,
        input_shape=(3, 8, 8),
        config={"rate": 4.6, "macs": None, "mean": (0.5, 0.25), "dense": ()},
        masks="cd" * 32,
        layers=(),
        dense={},
        gap=None,
        fidelity={},
        times=None,
        warnings=(),
        processes=1,
        threads=2,
    )


def test_the_page_tells_the_run(report: PruneReport, certificate: Certificate) -> None:
    text = render_prune_page(report, certificate)
    for part in ("4.6x", "4.0x", "95.3 %", "stem (first convolution)", "cd" * 32, "ab" * 32, "dense none",
                 "No image was read.", "mean 0.5, 0.25", "0.0123", "stages.3.conv", "1,994"):  # fmt: skip
        assert part in text, part
    assert "macs None" not in text
    assert text.count('<svg class="pattern"') == 2


def test_warnings_and_names_are_shown_as_text(report: PruneReport, certificate: Certificate) -> None:
    layers = [dataclasses.replace(report.layers[0], name="<script>x</script>"), *report.layers[1:]]
    strange = dataclasses.replace(report, layers=layers, warnings=["<b>beware</b>"])
    text = render_prune_page(strange, certificate)
    assert "&lt;b&gt;beware" in text
    assert "<script" not in text


def test_a_model_that_is_no_classifier(report: PruneReport, certificate: Certificate) -> None:
    text = render_prune_page(dataclasses.replace(report, gap=None, fidelity=Fidelity(9, 0.321)), certificate)
    assert "0.321" in text
    assert "same class" in render_prune_page(report, certificate)
    assert "same class" not in text


def test_what_a_latency_reached(report: PruneReport, certificate: Certificate) -> None:
    timed = dataclasses.replace(report, times=Times(0.2e-3, 0.13e-3, 2), processes=2, threads=4)
    text = render_prune_page(timed, certificate)
    for part in (
        "1.54x",
        "0.2 to 0.13 ms in this engine with 2 threads",
        "2 processes with 4 threads of torch",
    ):
        assert part in text, part
    assert "in this engine" not in render_prune_page(report, certificate)


def test_nothing_solved_by_admm_draws_no_residuals(report: PruneReport, certificate: Certificate) -> None:
    layers = [dataclasses.replace(layer, residuals=[]) for layer in report.layers]
    assert residual_plot(layers) is None
    assert "Convergence" in render_prune_page(report, certificate)
    assert "Convergence" not in render_prune_page(dataclasses.replace(report, layers=layers), certificate)


def test_many_patterns_are_cut(report: PruneReport, certificate: Certificate) -> None:
    patterns = {f"{i:09b}"[:3] + "/" + f"{i:09b}"[3:6] + "/" + f"{i:09b}"[6:]: 100 - i for i in range(1, 21)}
    layers = [dataclasses.replace(report.layers[0], patterns=patterns)]
    text = render_prune_page(dataclasses.replace(report, layers=layers), certificate)
    assert "8 more patterns are rarer" in text


@pytest.mark.parametrize("draw", [pruning_plot, residual_plot])
def test_plots(report: PruneReport, draw) -> None:
    ElementTree.fromstring(to_svg(draw(report.layers)))
    inline = to_inline_svg(draw(report.layers))
    ElementTree.fromstring(inline)
    assert "var(--plugin)" in inline


def test_bars_are_the_figures(report: PruneReport) -> None:
    kept, errors = pruning_plot(report.layers).axes
    widths = [patch.get_width() for patch in kept.patches]
    assert widths[0::2] == [100] * 4
    assert widths[1::2] == pytest.approx(
        [100 * 1600 / 4600, 100 * 1200 / 4600, 100 * 800 / 4600, 100 * 400 / 4600]
    )
    assert [patch.get_width() for patch in errors.patches] == pytest.approx([0.0123, 0.0246, 0.0369, 0.0492])
    assert kept.yaxis_inverted()
