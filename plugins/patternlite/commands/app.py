"""The program around the commands: where they are registered and print to, and what errors look like."""

from __future__ import annotations

import functools
import importlib.metadata
import io
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from .. import __version__
from ..errors import one_line
from .words import as_typed

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
    """Registers a command whose errors are one line and exit code 1; PATTERNLITE_DEBUG=1 shows tracebacks.

    Ctrl-C is a line, too.
    """

    @app.command()
    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            function(*args, **kwargs)
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except BrokenPipeError:  # nobody reads on, as in `| head`: typer ends without a word
            raise
        except KeyboardInterrupt as stop:
            if first_process():
                _tell("; ".join(filter(None, ("stopped", str(stop)))))
            raise typer.Exit(128 + signal.SIGINT) from None
        except Exception as error:
            if os.environ.get(_DEBUG):
                raise
            text = as_typed(one_line(error))
            if isinstance(error, ImportError | AttributeError) and (file := _stand_in()):
                text += f" ({file.absolute()} stands in for the package {file.stem}: rename it)"
            _tell(f"error: {text}", style="red")
            raise typer.Exit(1) from None

    return run


def _stand_in() -> Path | None:
    """A file of the current folder in the place of a package, as `python -m` takes it."""
    installed = importlib.metadata.packages_distributions()
    for path in Path().glob("*.py"):
        module = sys.modules.get(path.stem)
        file = getattr(module, "__file__", None)
        if path.stem in installed and file and Path(file).absolute() == path.absolute():
            return path
    return None


def first_process() -> bool:
    """Whether this is the one that speaks, of those that torchrun started."""
    return os.environ.get("RANK", "0") == "0"


def _tell(text: str, style: str | None = None) -> None:
    meanwhile.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"patternlite {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, metavar="", help="Show the version."
        ),
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
