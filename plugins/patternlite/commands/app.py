"""The program around the commands: it registers them, gives them consoles, and turns errors into one line."""

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
from ..errors import Terminated, one_line
from .words import as_typed

app = typer.Typer(
    help="Pattern pruning without data, and fast inference of the result in stock TFLite and MNN runtimes.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
# Lines written to a file or a pipe may have any length; in a dumb terminal, rich needs the height as well.
_LIMIT = None if sys.stdout and sys.stdout.isatty() else sys.maxsize
console = Console(width=_LIMIT, height=_LIMIT)
# Progress and errors: standard output is for results only.
meanwhile = Console(stderr=True)

_DEBUG = "PATTERNLITE_DEBUG"


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Registers a command. Its errors become one line and exit code 1; PATTERNLITE_DEBUG=1 shows tracebacks.

    Ctrl-C becomes one line, too.
    """

    @app.command()
    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            function(*args, **kwargs)
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except BrokenPipeError:  # the reader has gone, as in `| head`: typer ends silently
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
    """A file in the current folder that `python -m` imported in place of a package of the same name."""
    installed = importlib.metadata.packages_distributions()
    for path in Path().glob("*.py"):
        module = sys.modules.get(path.stem)
        file = getattr(module, "__file__", None)
        if path.stem in installed and file and Path(file).absolute() == path.absolute():
            return path
    return None


def first_process() -> bool:
    """Whether this is the one process, of those that torchrun started, that prints."""
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


def _terminate(number: int, _frame: object) -> None:
    raise Terminated(128 + number)


def main() -> None:
    """The `patternlite` program; `cli` registers its commands."""
    # An exception, unlike the default, lets unfinished work be cleaned up, as after Ctrl-C.
    signal.signal(signal.SIGTERM, _terminate)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # some terminals cannot show all marks and names
    app(prog_name="patternlite")
