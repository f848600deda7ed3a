"""The report: one self-contained HTML page, and the pictures as files beside the results."""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from patternlite.report.figure import to_inline_svg
from patternlite.runtimes.machine import Machine
from patternlite.support.files import write_atomically

from ..latency.results import NetReport, Outcome, read_json
from ..plots import write_figure
from ..timing.protocol import Measured
from . import instructions, paper
from .front import accuracy_files, front_figure
from .roofline import roofline_figure
from .speed_ups import rate_figure, size_figure, speed_up_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Picture:
    """A picture of the report.  name: of its file.  words: what to look for."""

    name: str
    title: str
    words: str
    figure: Figure


def write_report(report: NetReport, results: Path) -> Path:
    """Writes the page (.html, returned) and the pictures (-NAME.svg) beside the results."""
    pictures = list(_pictures(report, results.parent))
    for picture in pictures:
        write_figure(picture.figure, results.with_name(f"{results.stem}-{picture.name}.json"))
    page = results.with_suffix(".html")
    counts = newest(results.parent, "instructions", report.machine)
    write_atomically(page, render(report, pictures, accuracy_files(results.parent), counts))
    return page


def newest(folder: Path, command: str, machine: Machine) -> Path | None:
    """A command's newest results file from such a machine, among those named by the day alone: the others are
    of parts.
    """
    name = re.compile(rf"{command}-(\d{{4}}-\d\d-\d\d)(?:-(\d+))?\.json")
    names = ((name.fullmatch(path.name), path) for path in folder.iterdir())
    found = {(match[1], int(match[2] or 1)): path for match, path in names if match}
    return next((found[key] for key in sorted(found, reverse=True) if _is_of(found[key], machine)), None)


def _is_of(path: Path, machine: Machine) -> bool:
    """Whether the file was measured on such a CPU."""
    there = json.loads(path.read_text(encoding="utf-8")).get("machine", {})
    return (there.get("cpu"), there.get("cores")) == (machine.cpu, machine.cores)


def render(
    report: NetReport, pictures: list[Picture], accuracies: list[Path], counts: Path | None = None
) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2").render(
        report=report,
        bars=paper.BARS,
        paper_rows=paper.rows(report.outcomes),
        paper_conditions=paper.CONDITIONS,
        missed=[verdict for verdict in report.verdicts() if verdict.state == "missed"],
        pictures=[(picture, Markup(to_inline_svg(picture.figure))) for picture in pictures],
        spread=_spread,
        notes=_notes(report),
        accuracies=[(path.name, path.with_suffix(".svg")) for path in accuracies],
        counts=counts and (counts.name, instructions.lines(counts)),
    )


def _pictures(report: NetReport, folder: Path) -> Iterator[Picture]:
    """The pictures for which there are enough results, and those of other measurements on that machine."""
    outcomes: Sequence[Outcome] = report.outcomes
    single = [o for o in outcomes if o.case.group in ("networks", "context")]
    for threads in sorted({o.threads for o in single}):
        some = [o for o in single if o.threads == threads]
        words = (
            "How many times faster the fastest of ours is than each rival; beside the network's "
            "name, its time. Green: the three rivals of the paper. Left of the line the rival wins. int8 is "
            "another trade: it computes dense with 8-bit numbers, and answers a little differently."
        )
        plural = "s" if threads > 1 else ""
        title = f"Speed-up, {threads} thread{plural}"
        yield Picture(f"speed-up-{threads}", title, words, speed_up_figure(some))
    figure = rate_figure([o for o in outcomes if o.threads == 1 and o.case.group in ("rates", "networks")])
    if figure is not None:
        words = (
            "1 thread. Rates are of the pruned 3x3 layers; the first layer stays dense. Dashed: what fewer "
            "multiplications alone would give."
        )
        yield Picture("rates", "Speed-up over the rate", words, figure)
    layers = newest(folder, "layers", report.machine)
    if layers:
        measured = json.loads(layers.read_text(encoding="utf-8"))["outcomes"]
        words = (
            f"Each convolution for itself, from {layers.name}. Dense layers in the stock runtime do work "
            "that pruned ones do not have. g1 to g16: so many filters share patterns; c4: "
            "chunks of four do, others in each channel."
        )
        one = [outcome for outcome in measured if outcome["threads"] == 1]
        yield Picture("roofline", "Layers against the peak", words, roofline_figure(one))
    accuracies = accuracy_files(folder)
    front = front_figure(accuracies)
    if front is not None:
        words = (
            "Trained networks, pruned without a real image, with the plugin, each over the dense one timed "
            "beside it; above the best of each budget what was asked for. From "
            f"{', '.join(path.name for path in accuracies)}."
        )
        yield Picture("front", "Accuracy against speed-up", words, front)
    loaded = newest(folder, "nets", report.machine)
    figure = size_figure(read_json(loaded).outcomes) if loaded else None
    if loaded and figure is not None:
        words = (
            f"The most memory up to the first answer, from {loaded.name}, and what lies on disk: zeros "
            "are stored, so a pruned file is as large as the dense one."
        )
        yield Picture("memory", "Memory and files", words, figure)


def _spread(measured: Measured) -> float:
    """How much the rounds differ: their interquartile range over the median."""
    if len(measured.rounds) < 2:
        return 0.0
    low, middle, high = statistics.quantiles(measured.rounds, n=4)
    return (high - low) / middle


def _notes(report: NetReport) -> Mapping[str, list[str]]:
    """Contender -> what must be known about its preparation, network by network."""
    notes: dict[str, list[str]] = {}
    for outcome in report.outcomes:
        for label, note in outcome.notes.items():
            line = f"{outcome.case.net}: {note}"
            if line not in notes.setdefault(label, []):
                notes[label].append(line)
    return notes
