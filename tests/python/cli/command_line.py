"""Runs the command line within the test, and what its errors look like."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from patternlite import cli

NETWORK = "patternlite.pruning.networks:slim_resnet18"
PRUNE = ("--input-shape", "3,32,32", "--mean", "0,0,0", "--std", "1,1,1")


def run(*args: str | Path):
    return CliRunner().invoke(cli.app, [str(a) for a in args])


def assert_one_line(result, *parts: str) -> None:
    assert result.exit_code == 1, result.output
    lines = result.stderr.strip().splitlines()
    message = lines[-1]
    assert message.startswith("error: ")
    assert "Traceback" not in result.output
    for part in parts:
        assert part in message


def assert_usage(result, *parts: str) -> None:
    assert result.exit_code == 2, result.output
    text = " ".join(result.stderr.replace("│", " ").split())
    for part in parts:
        assert part in text
