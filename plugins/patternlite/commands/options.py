"""Options that several commands share, that hold several numbers, or that need a long explanation."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from ..runtimes.installed import MOST_THREADS

_LARGEST = sys.float_info.max


def numbers(
    kind: type[int] | type[float], least: float, count: int | None = None, most: float = _LARGEST
) -> Callable[[str], tuple]:
    """A parser of comma-separated numbers, each from `least` to `most`; `count` of them unless it is None."""
    noun = "integers" if kind is int else "numbers"
    bounds = f" of at least {least:g}" if most == _LARGEST else f" of {least:g} to {most:g}"
    what = f"{count or 'some'} {noun}{bounds if least > -_LARGEST else ''} with commas between"

    def parse(text: str) -> tuple:
        try:
            values = tuple(kind(part) for part in text.split(","))
        except ValueError:
            raise typer.BadParameter(f"{text!r} is not {what}") from None
        if not all(least <= value <= most for value in values) or count not in (None, len(values)):
            raise typer.BadParameter(f"{text!r} is not {what}")
        return values

    return parse


Model = Annotated[str, typer.Argument(help="module:callable, timm:NAME or torchvision:NAME.")]
Weights = Annotated[Path | None, typer.Option(help="State dict: .safetensors, .pt or .pth.")]
_shape = typer.Option(
    parser=numbers(int, 1, 3), metavar="C,H,W", help="Shape of one image, for example 3,224,224."
)
InputShape = Annotated[tuple, _shape]
InputShapeOrNone = Annotated[tuple | None, _shape]
Mean = Annotated[
    tuple, typer.Option(parser=numbers(float, -_LARGEST), metavar="M,M,M", help="As torchvision's Normalize.")
]
Std = Annotated[
    tuple, typer.Option(parser=numbers(float, 0), metavar="S,S,S", help="As torchvision's Normalize.")
]
Threads = Annotated[
    tuple,
    typer.Option(
        parser=numbers(int, 1, most=MOST_THREADS), metavar="N,N", help="Thread counts to time, such as 1,2."
    ),
]
Structure = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="What zeros have in common. free: each kernel has a pattern of its own; g2, g4, g16: so many "
        "filters share kernels and patterns; b2, b4, b16: so many filters keep the same weights, in no "
        "pattern; c2, c4: so many kernels of a channel share a pattern; varied: patterns of any size; auto: "
        "with --latency whatever suits each layer, otherwise free. For comparison only: irregular, filter, "
        "column, block.",
    ),
]
Kinds = Annotated[
    str,
    typer.Option(metavar="KIND,KIND", help="Kinds of convolutions to prune: kernel sizes, and depthwise."),
]
Dense = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="A convolution to leave alone; may be repeated.")
]
Flip = Annotated[
    bool,
    typer.Option(
        metavar="",
        help="Whether half of the images are mirrored; all are shifted by up to an eighth of their sides. "
        "Give --no-flip if classes differ by mirroring, as digits and signs do.",
    ),
]
