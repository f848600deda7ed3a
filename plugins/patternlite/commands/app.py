"""The program around the commands: where they are registered and print to, and what errors look like."""

from __future__ import annotations

import functools
import io
import os
import signal
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.console import Console

from .. import __version__
from ..errors import one_line

app = typer.Typer(
    help="Pattern pruning without data, and fast inference of the result in stock TFLite and MNN runtimes.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
# Into a file or a pipe, lines are as long as they like; rich wants the height, too, where TERM is dumb.
_LIMIT = None if sys.stdout and sys.stdout.isatty() else sys.maxsize
console = Console(width=_LIMIT, height=_LIMIT)
# What is done meanwhile, and errors: standard output has the results alone.
meanwhile = Console(stderr=True)

_DEBUG = "PATTERNLITE_DEBUG"


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Registers a command whose errors are one line and exit code 1; PATTERNLITE_DEBUG=1 shows tracebacks."""

    @app.command()
    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            function(*args, **kwargs)
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except BrokenPipeError:  # nobody reads on, as in `| head`: typer ends without a word
            raise
        except Exception as error:
            if os.environ.get(_DEBUG):
                raise
            meanwhile.print(
                f"error: {one_line(error)}", style="red", markup=False, highlight=False, soft_wrap=True
            )
            raise typer.Exit(1) from None

    return run


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"patternlite {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """The `patternlite` program; `cli` registers its commands."""
    # So that what was begun is cleaned away, as after Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # marks and names that the terminal cannot show
    app(prog_name="patternlite")
