"""The `patternlite` command. Each subcommand parses options and passes them on; nothing is computed here."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ..errors import require_packages
from ..runtimes.installed import RUNTIMES
from .app import app, command, console, first_process, main, meanwhile
from .options import (
    Dense,
    Flip,
    InputShape,
    InputShapeOrNone,
    Kinds,
    Mean,
    Model,
    Std,
    Structure,
    Threads,
    Weights,
)

__all__ = ["app", "main"]

_DAY = 24 * 60 * 60.0  # seconds


def _suffixes(tflite: bool, mnn: bool) -> list[str]:
    return [suffix for suffix, wanted in ((".tflite", tflite), (".mnn", mnn)) if wanted]


def _refuse_rate(given: float | None) -> None:
    if given is not None:
        raise typer.BadParameter("a compression rate is prune's: give --learning-rate")


@command
def demo(
    output: Annotated[Path, typer.Option(help="Folder for the models and the report.")] = Path("build/demo"),
    latency: Annotated[
        float, typer.Option(help="How many times faster the convolutions are to become.")
    ] = 2.5,
    threads: Threads = "1,2",  # type: ignore[assignment]
    seed: Annotated[int, typer.Option(help="Seed of the synthetic images.")] = 0,
    seconds: Annotated[float, typer.Option(min=1, max=_DAY, help="Time for all timings together.")] = 40.0,
) -> None:
    """Prunes a trained network without data, converts it, checks it on real images, and times it."""
    require_packages("bench", "PIL", "matplotlib", "jinja2")
    from ..demo.pipeline import DemoOptions, run_demo
    from ..report.figure import to_svg
    from ..report.page import write_page
    from ..report.plots import latency_plot
    from ..report.results import write_json
    from ..report.tables import demo_table
    from ..support.files import require_target_folder, write_atomically
    from ..support.progress import Stages

    require_target_folder(output)
    with Stages(meanwhile) as stages:
        result = run_demo(DemoOptions(output, latency, threads, seed, seconds), stages)
    write_json(result, output / "report.json")
    write_page(result, output / "report.html")
    write_atomically(output / "latency.svg", to_svg(latency_plot(result)))
    console.print(demo_table(result))
    console.print(f"The whole story: {output / 'report.html'}", highlight=False, soft_wrap=True)


@command
def prune(
    model: Model,
    input_shape: InputShape,
    mean: Mean,
    std: Std,
    output: Annotated[Path, typer.Option(help="Folder for all files written.")],
    weights: Weights = None,
    rate: Annotated[
        float | None, typer.Option(help="How many times fewer weights the pruned layers keep.")
    ] = None,
    macs: Annotated[
        float | None, typer.Option(help="How many times fewer multiply-accumulates they keep.")
    ] = None,
    latency: Annotated[
        float | None,
        typer.Option(
            help="How many times faster the convolutions are to become, compared with dense ones in this "
            "engine, judged by the times of single layers on this machine; check with bench."
        ),
    ] = None,
    threads: Annotated[int, typer.Option(help="Threads that --latency is measured with.")] = 1,
    structure: Structure = "auto",
    kinds: Kinds = "3x3",
    dense: Dense = None,
    images: Annotated[
        int | None,
        typer.Option(help="Number of synthetic images; by default as many as fit in memory, up to 512."),
    ] = None,
    refine_steps: Annotated[
        int, typer.Option(help="Steps that pull the images towards the BatchNorm statistics.")
    ] = 25,
    distill_steps: Annotated[
        int, typer.Option(help="Steps of distillation from the dense model after pruning.")
    ] = 40,
    seed: Annotated[int, typer.Option(help="Seed of the synthetic images.")] = 0,
    tflite: Annotated[bool, typer.Option("--tflite", metavar="", help="Write pruned.tflite too.")] = False,
    mnn: Annotated[bool, typer.Option("--mnn", metavar="", help="Write pruned.mnn too.")] = False,
) -> None:
    """Prunes a trained PyTorch model without any data: give --rate, --macs or --latency.

    On two idle cores a small ResNet for CIFAR takes 2 minutes, and a ResNet-50 for 224 pixels 12.
    For a quick look give --images 64 --refine-steps 5, which costs accuracy. After a stop, the same command
    goes on.
    """
    from ..models.named import load_model
    from ..support.progress import Stages
    from .prune import prune_to

    console.quiet = not first_process()
    network = load_model(model, weights)
    with Stages(Console(stderr=True, quiet=console.quiet)) as stages:
        result, paths = prune_to(
            output,
            network,
            input_shape,
            {
                "mean": mean,
                "std": std,
                "rate": rate,
                "macs": macs,
                "latency": latency,
                "threads": threads,
                "structure": structure,
                "kinds": tuple(kinds.split(",")),
                "dense": tuple(dense or ()),
                "images": images,
                "refine_steps": refine_steps,
                "distill_steps": distill_steps,
                "seed": seed,
            },
            _suffixes(tflite, mnn),
            stages,
            [weights] if weights else [],
        )
    console.print(str(result.report), markup=False, highlight=False, soft_wrap=True)
    for path in paths:
        console.print(str(path), markup=False, highlight=False, soft_wrap=True)


@command
def retrain(
    model: Model,
    data: Annotated[Path, typer.Argument(help="Folder, zip or tar of train|test/<class>/*.jpg.")],
    weights: Annotated[Path, typer.Option(help="The pruned model's weights: pruned.safetensors.")],
    masks: Annotated[Path, typer.Option(help="masks.safetensors, as written by prune.")],
    mean: Mean,
    std: Std,
    output: Annotated[Path, typer.Option(help="The .safetensors file to write.")],
    dense: Annotated[
        Path | None, typer.Option(help="Weights before pruning, to learn from that model, too.")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the images.")] = 5,
    learning_rate: Annotated[float, typer.Option(help="Peak of the one-cycle schedule.")] = 0.05,
    batch: Annotated[int, typer.Option(min=1, help="Images per step.")] = 64,
    flip: Flip = True,
    seed: Annotated[int, typer.Option(help="Seed of the images' order, shifts and mirroring.")] = 0,
    rate: Annotated[float | None, typer.Option(hidden=True, callback=_refuse_rate)] = None,
    tflite: Annotated[
        bool, typer.Option("--tflite", metavar="", help="Write .onnx and .tflite beside it.")
    ] = False,
    mnn: Annotated[bool, typer.Option("--mnn", metavar="", help="Write .onnx and .mnn beside it.")] = False,
) -> None:
    """Retrains a pruned classifier on your own images; pruned weights stay zero.

    After a stop, the same command goes on from the last whole epoch. Class folders are sorted as text, as in
    torchvision's ImageFolder: "10" comes before "2".
    """
    require_packages("bench", "PIL")
    from ..models.named import load_model
    from ..support.progress import Stages
    from .retrain import retrain_to

    network = load_model(model, weights)
    teacher = load_model(model, dense) if dense else None
    options = {"mean": mean, "std": std, "epochs": epochs, "learning_rate": learning_rate}
    options |= {"batch": batch, "flip": flip, "seed": seed}
    suffixes, sources = _suffixes(tflite, mnn), [weights, *([dense] if dense else [])]
    with Stages(meanwhile) as stages:
        result = retrain_to(output, network, masks, data, options, suffixes, stages, teacher, sources)
    console.print(str(result), markup=False, highlight=False, soft_wrap=True)
    for path in result.paths:
        console.print(str(path), markup=False, highlight=False, soft_wrap=True)


@command
def convert(
    model: Annotated[
        str,
        typer.Argument(
            help="A .onnx file (or .tflite, for .mnn); or module:callable, timm:NAME or torchvision:NAME."
        ),
    ],
    outputs: Annotated[list[Path], typer.Argument(help="Files to write: .tflite, .mnn.")],
    weights: Weights = None,
    input_shape: InputShapeOrNone = None,
) -> None:
    """Converts a model as it is, and verifies each file in its stock runtime."""
    from ..support.progress import Stages
    from .convert import convert_to

    with Stages(meanwhile) as stages:
        for conversion in convert_to(model, outputs, weights, input_shape, stages):
            console.print(str(conversion), markup=False, highlight=False, soft_wrap=True)


@command
def inspect(
    model: Annotated[Path, typer.Argument(help="A .tflite or .mnn file.")],
    as_json: Annotated[
        bool, typer.Option("--json", metavar="", help="Print JSON instead of a table.")
    ] = False,
) -> None:
    """Shows what the plugin recognises in each convolution, and the kernel that runs it.

    The exit code is 1 if the zeros are not those of the masks that the file says it was made with.
    """
    from ..inspection import inspect as inspect_model
    from ..layers import layers_of
    from ..report.tables import layer_table

    inspection = inspect_model(model)
    if as_json:
        typer.echo(json.dumps(asdict(inspection), indent=2))
    else:
        console.print(layer_table(layers_of(inspection.layers), title=model.name, width=console.width))
        console.print(str(inspection.masks), markup=False, highlight=False, soft_wrap=True)
        console.print(inspection.summary, markup=False, highlight=False, soft_wrap=True)
    if inspection.masks.refuted:
        raise typer.Exit(1)


@command
def bench(
    model: Annotated[Path, typer.Argument(help="A .tflite or .mnn file.")],
    dense: Annotated[Path | None, typer.Option(help="The dense model to compare with.")] = None,
    runtime: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help=f"Only {', '.join(r.name for r in RUNTIMES[:-1])} or {RUNTIMES[-1].name}; may be repeated.",
        ),
    ] = None,
    threads: Threads = "1,2",  # type: ignore[assignment]
    seconds: Annotated[
        float, typer.Option(min=0.1, max=_DAY, help="Time for each runtime and thread count.")
    ] = 5.0,
    as_json: Annotated[
        bool, typer.Option("--json", metavar="", help="Print JSON instead of a table.")
    ] = False,
) -> None:
    """Times a model in stock runtimes and with the plugin, after checking that both give the same answer."""
    from ..report.tables import latency_table
    from ..support.progress import Stages
    from .bench import bench as run_bench

    with Stages(meanwhile) as stages:
        latencies = run_bench(model, dense, runtime or [], threads, seconds, stages)
    if as_json:
        typer.echo(json.dumps([asdict(entry) for entry in latencies], indent=2))
    else:
        console.print(latency_table(latencies, title=model.name))


@command
def doctor() -> None:
    """Shows what is installed, what works, and how to fix the rest."""
    from .doctor import diagnose, doctor_table

    checks = diagnose(meanwhile)
    console.print(doctor_table(checks))
    if any(check.state == "failed" for check in checks):
        raise typer.Exit(1)
