"""Options that hold several numbers, those of several commands, and those that take many words."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from ..runtimes.installed import MOST_THREADS


def numbers(
    kind: type[int] | type[float], least: float, count: int | None = None, most: float = sys.float_info.max
) -> Callable[[str], tuple]:
    """A parser of comma-separated numbers, each from `least` to `most`."""
    noun = "integers" if kind is int else "numbers"
    bounds = f"at least {least:g}" if most == sys.float_info.max else f"{least:g} to {most:g}"
    what = f"{count or 'some'} {noun} of {bounds} with commas between"

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
Mean = Annotated[
    tuple, typer.Option(parser=numbers(float, -1e9), metavar="M,M,M", help="As torchvision's Normalize.")
]
Std = Annotated[
    tuple, typer.Option(parser=numbers(float, 0), metavar="S,S,S", help="As torchvision's Normalize.")
]
Threads = Annotated[
    tuple,
    typer.Option(
        parser=numbers(int, 1, most=MOST_THREADS), metavar="N,N", help="Thread counts to time, as 1,2."
    ),
]
Structure = Annotated[
    str,
    typer.Option(
        help="Of the zeros: auto, free, varied, c2, c4, g2, g4, g16, b2, b4, b16, irregular, filter, column "
        "or block."
    ),
]
Kinds = Annotated[
    str, typer.Option(metavar="KIND,KIND", help="Of convolutions to prune: sizes, and depthwise.")
]
Dense = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="A convolution to leave alone; may be repeated.")
]
Flip = Annotated[
    bool,
    typer.Option(
        help="Images are shifted by up to an eighth of their sides and, unless --no-flip, half of them "
        "mirrored: not for classes that differ by that, as digits and signs do."
    ),
]
